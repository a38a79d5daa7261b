"""Figures of lesson 01: feature maps, tokens and the part of the picture each one stands for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.boxes import Box, box_area, cell_box, clip_box, draw_frame
from vlmteach.views.rounding import peak
from vlmteach.views.style import CNN_HUE, HEAT, INK, MUTED, PAPER, VIT_HUE, describe, new_figure, show_picture


def draw_feature_maps(picture: np.ndarray, grid: np.ndarray, channels: Sequence[int]) -> Figure:
    """A picture (H, W, 3) beside some channels of its feature map (C, h, w), each on its own scale."""
    figure, axes = new_figure(1, 1 + len(channels), height=3.0)
    show_picture(
        axes[0], picture, _("picture\n{height} × {width} pixels", height=picture.shape[0], width=picture.shape[1])
    )
    for axis, channel in zip(axes[1:], channels, strict=True):
        axis.imshow(grid[channel], cmap=HEAT)
        axis.set_title(
            _(
                "channel {channel}\n{rows} × {columns} cells",
                channel=channel,
                rows=grid.shape[1],
                columns=grid.shape[2],
            )
        )
        axis.set_axis_off()
    peaks = ", ".join(
        _("channel {channel} is largest in row {row}, column {column}", channel=channel, row=row, column=column)
        for channel, (row, column) in zip(channels, (peak(grid[channel]) for channel in channels), strict=True)
    )
    return describe(
        figure,
        _(
            "The picture and {shown} of the {channels} channels of its feature map of {rows} by "
            "{columns} cells; {peaks}.",
            shown=len(channels),
            channels=grid.shape[0],
            rows=grid.shape[1],
            columns=grid.shape[2],
            peaks=peaks,
        ),
    )


def draw_token(picture: np.ndarray, grid: np.ndarray, token: int, field: Box | None = None) -> Figure:
    """One token in three places: its position in the sequence, its cell of the grid, its stride cell in the picture.

    picture: (H, W, 3). grid: (h, w), one number for each cell, shown as heat. field: the token's receptive field
    (top, left, bottom, right) in pixels, drawn as a dashed frame where it is inside the picture.
    """
    height, width = grid.shape
    row, column = divmod(token, width)
    figure, axes = new_figure(1, 2, height=4.6)
    show_picture(axes[0], picture, _("picture: the stride cell of this token"))
    cell = _stride_cell(picture, height, width, row, column)
    _draw_lines(axes[0], picture.shape[0], picture.shape[1], height, width, PAPER)
    draw_frame(axes[0], cell, CNN_HUE, 3, halo=5)
    if field is not None:
        draw_frame(axes[0], clip_box(field, *picture.shape[:2]), INK, 3, halo=5, style="--")
        axes[0].set_xlabel(_("solid: stride cell   dashed: receptive field"))
    axes[1].imshow(grid, cmap=HEAT, extent=(0, width, height, 0))
    axes[1].set_title(_("grid: {height} × {width} cells in reading order", height=height, width=width))
    axes[1].set_xticks([])
    axes[1].set_yticks([])
    axes[1].spines[:].set_visible(False)
    draw_frame(axes[1], cell_box((row, column)), CNN_HUE, 3, halo=5)
    axes[1].set_xlabel(
        _(
            "token {token} = row {row} · width {width} + column {column}",
            token=token,
            row=row,
            width=width,
            column=column,
        )
    )
    text = _(
        "Token {token} is row {row}, column {column} of a {height} by {width} grid. In the picture "
        "it stands for rows {top:.0f} to {bottom:.0f} and columns {left:.0f} to {right:.0f}.",
        token=token,
        row=row,
        column=column,
        height=height,
        width=width,
        top=cell[0],
        bottom=cell[2],
        left=cell[1],
        right=cell[3],
    )
    if field is not None:
        share = box_area(clip_box(field, *picture.shape[:2])) / (picture.shape[0] * picture.shape[1])
        text += _(" Its receptive field covers {share:.0%} of the picture.", share=share)
    return describe(figure, text)


def draw_reshape(right: np.ndarray, wrong: np.ndarray) -> Figure:
    """Tokens that are colours, laid out again by two rules: flatten and swap axes, or reshape.

    right, wrong: (h, w, 3) in [0, 1], the colours of the tokens in reading order.
    """
    figure, axes = new_figure(1, 2, height=4.6)
    show_picture(axes[0], right, _("flatten(2).transpose(1, 2)\nkeeps each cell's colour"))
    show_picture(axes[1], wrong, _("reshape(B, H*W, C)\nmixes three cells of one channel"))
    moved = np.any(np.abs(right - wrong) > 1 / 255, axis=-1).mean()
    return describe(
        figure,
        _(
            "Left: tokens made by flatten and transpose, laid out as {rows} by {columns} cells, show "
            "the picture. Right: tokens of the same shape made by reshape; {moved:.0%} of the cells have "
            "another colour.",
            rows=right.shape[0],
            columns=right.shape[1],
            moved=moved,
        ),
    )


def draw_shuffle(colours: np.ndarray, order: np.ndarray) -> Figure:
    """What a set of tokens keeps and what it loses: in order, shuffled, and put back by their boxes.

    colours: (h, w, 3) in [0, 1], one colour for each token. order: (h*w,), the token that each place receives.
    """
    height, width = colours.shape[:2]
    tokens = colours.reshape(-1, 3)
    shuffled = tokens[order]
    restored = np.empty_like(tokens)
    restored[order] = shuffled
    figure, axes = new_figure(1, 4, height=2.8)
    for axis, values, title in [
        (axes[0], tokens, _("in order")),
        (axes[1], shuffled, _("shuffled")),
        (axes[2], restored, _("put back by box")),
    ]:
        show_picture(axis, values.reshape(height, width, 3), title)
    mean = np.broadcast_to(tokens.mean(axis=0), (height, width, 3))
    show_picture(axes[3], mean, _("mean of any order"))
    moved = (order != np.arange(order.size)).sum()
    return describe(
        figure,
        _(
            "{count} tokens as colours: in order, with {moved} of them moved, and put back in place by "
            "their boxes. The mean colour is the same for all three: red {red:.2f}, green {green:.2f}, "
            "blue {blue:.2f}.",
            count=order.size,
            moved=moved,
            red=mean[0, 0, 0],
            green=mean[0, 0, 1],
            blue=mean[0, 0, 2],
        ),
    )


def draw_token_counts(names: Sequence[str], counts: Sequence[int], widths: Sequence[int]) -> Figure:
    """How many tokens each kind of encoder output gives, and how wide each token is."""
    names = [from_lesson(name) for name in names]
    figure, axis = new_figure(height=0.6 + 0.55 * len(names))
    places = np.arange(len(names))[::-1]
    axis.barh(places, counts, color=CNN_HUE, height=0.6)
    axis.set_yticks(places, names)
    axis.set_xlabel(_("tokens handed to the language model"))
    axis.set_xlim(0, max(counts) * 1.25)
    for place, count, width in zip(places, counts, widths, strict=True):
        axis.text(
            count + max(counts) * 0.01,
            place,
            _(" {count} × {width} numbers", count=count, width=width),
            va="center",
            color=INK,
        )
    listed = "; ".join(
        _("{name}: 1 token of width {width}", name=n, width=w)
        if c == 1
        else _("{name}: {count} tokens of width {width}", name=n, count=c, width=w)
        for n, c, w in zip(names, counts, widths, strict=True)
    )
    return describe(figure, _("Tokens from each encoder output. {listed}.", listed=listed))


def draw_two_encoders(picture: np.ndarray, cells: tuple[int, int], patches: tuple[int, int]) -> Figure:
    """The same picture (H, W, 3) as a CNN's stride cells and as a ViT's patches; cells, patches: (rows, columns)."""
    figure, axes = new_figure(1, 2, height=4.6)
    for axis, (rows, columns), name, colour in [(axes[0], cells, "CNN", CNN_HUE), (axes[1], patches, "ViT", VIT_HUE)]:
        show_picture(
            axis,
            picture,
            _(
                "{name}: {rows} × {columns} = {count} tokens with a place",
                name=name,
                rows=rows,
                columns=columns,
                count=rows * columns,
            ),
        )
        _draw_lines(axis, picture.shape[0], picture.shape[1], rows, columns, colour)
    return describe(
        figure,
        _(
            "The picture under the {rows} by {columns} stride cells of a CNN and under the {down} by "
            "{across} patches of a ViT.",
            rows=cells[0],
            columns=cells[1],
            down=patches[0],
            across=patches[1],
        ),
    )


def draw_course_map(lessons: Sequence[tuple[int, str, str]]) -> Figure:
    """The course on one line from picture to answer: (lesson number, step, question) for each stop."""
    figure, axis = new_figure(height=2.2)
    axis.set_axis_off()
    axis.set_xlim(-0.5, len(lessons) - 0.5)
    axis.set_ylim(-1.1, 0.7)
    axis.plot([0, len(lessons) - 1], [0, 0], color=MUTED, zorder=1)
    told = [(number, from_lesson(step), from_lesson(question)) for number, step, question in lessons]
    for place, (number, step, question) in enumerate(told):
        axis.scatter(place, 0, s=900, color=INK, edgecolor=PAPER, linewidth=2, zorder=2)
        axis.text(place, 0, f"{number:02d}", color=PAPER, ha="center", va="center", weight="bold", zorder=3)
        axis.text(place, 0.36, step, ha="center", va="bottom", fontsize=10.5, weight="bold")
        axis.text(place, -0.36, question, ha="center", va="top", fontsize=10.5, color=INK)
    stops = "; ".join(
        _("lesson {number}, {step}: {question}", number=n, step=step, question=" ".join(question.split()))
        for n, step, question in told
    )
    return describe(figure, _("The course as a line of {count} stops. {stops}.", count=len(lessons), stops=stops))


def _stride_cell(picture: np.ndarray, height: int, width: int, row: int, column: int) -> Box:
    tall, wide = picture.shape[0] / height, picture.shape[1] / width
    return row * tall, column * wide, (row + 1) * tall, (column + 1) * wide


def _draw_lines(axis: Axes, bottom: float, right: float, height: int, width: int, colour: str) -> None:
    axis.hlines(np.linspace(0, bottom, height + 1), 0, right, color=colour, linewidth=0.8)
    axis.vlines(np.linspace(0, right, width + 1), 0, bottom, color=colour, linewidth=0.8)
