"""Figures of receptive fields in a picture: the box a unit can see, and the pixels that really move it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vlmteach.language import _, from_lesson
from vlmteach.views.boxes import DASHED, Box, box_area, clip_box, draw_frame
from vlmteach.views.rounding import ROUNDING, peak
from vlmteach.views.style import CNN_HUE, HEAT, INK, MUTED, PAPER, describe, new_figure, show_picture

SHARES = (0.5, 0.9)  # of the weight of an effective field, held by what a line bounds


def draw_field_box(picture: np.ndarray, field: Box, cell: Box) -> Figure:
    """One unit's receptive field on a picture (H, W, 3), with the padding that it reaches into.

    field: (top, left, bottom, right) in pixels, not clipped. cell: the unit's stride cell, the place it stands for.
    """
    height, width = picture.shape[:2]
    seen = clip_box(field, height, width)
    share = box_area(seen) / (height * width)
    padding = 1 - box_area(seen) / box_area(field)
    figure, axes = new_figure(1, 2, height=4.4, width_ratios=[1.3, 1])
    show_picture(axes[0], picture)
    _dim_outside(axes[0], seen, height, width)
    draw_frame(axes[0], field, INK, style=DASHED)
    draw_frame(axes[0], cell, CNN_HUE)
    reach = max(0, -field[0], -field[1], field[2] - height, field[3] - width) + 0.02 * height
    axes[0].set_xlim(-reach, width + reach)
    axes[0].set_ylim(height + reach, -reach)
    axes[0].set_xlabel(_("dashed: receptive field   solid: stride cell"))
    facts = [
        _("field: {height} × {width} pixels", height=_side(field, 0), width=_side(field, 1)),
        _("of these, padding: {padding:.0%}", padding=padding),
        _("share of the picture seen: {share:.0%}", share=share),
    ]
    axes[1].text(0, 0.5, "\n\n".join(facts), fontsize=14, va="center")
    axes[1].set_axis_off()
    return describe(
        figure,
        _(
            "A picture of {height} by {width} pixels. The unit that stands for rows {cell[0]:g} to {cell[2]:g}, "
            "columns {cell[1]:g} to {cell[3]:g} can see rows {field[0]:g} to {field[2]:g}, columns {field[1]:g} to "
            "{field[3]:g}: {share:.0%} of the picture; {padding:.0%} of its field is padding.",
            height=height,
            width=width,
            cell=cell,
            field=field,
            share=share,
            padding=padding,
        ),
    )


def draw_coverage(shares: Mapping[str, np.ndarray]) -> Figure:
    """For each unit of some grids, the share of the picture that it can see: name -> (rows, columns) in [0, 1]."""
    figure, axes = new_figure(1, len(shares), height=3.6, squeeze=False)
    counts = []
    for axis, (name, share) in zip(axes[0], shares.items(), strict=True):
        image = axis.imshow(share, vmin=0, vmax=1, cmap=HEAT)
        whole = int((share == 1).sum())
        counts.append(
            _(
                "in {name} {whole} of {count} units can see the whole picture, the others from {least:.0%}",
                name=name,
                whole=whole,
                count=share.size,
                least=share.min(),
            )
        )
        axis.set_title(_("{name}: {whole} of {count}", name=name, whole=whole, count=share.size))
        _mark_cells(axis, share == 1)
        _bare(axis)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, format="{x:.0%}")
    bar.set_label(_("share of the picture in the field"))
    figure.supxlabel(_("dots: units that can see the whole picture"), fontsize=12)
    return describe(figure, _("Grids of units: {counts}.", counts="; ".join(counts)))


def draw_effective_field(picture: np.ndarray, heat: np.ndarray, field: Box, sigma: float) -> Figure:
    """What a unit can see beside what moves it: a picture (H, W, 3) and the effective field (H, W), largest value 1.

    Lines bound the smoothed pixels that hold 50 % and 90 % of the weight. field: the theoretical field, clipped or not.
    sigma: the standard deviation of the heat, in pixels.
    """
    height, width = picture.shape[:2]
    seen = clip_box(field, height, width)
    figure, axes = new_figure(1, 2, height=5.0)
    show_picture(axes[0], picture, _("can see: the theoretical field"))
    _dim_outside(axes[0], seen, height, width)
    draw_frame(axes[0], seen, INK, style=DASHED)
    image = axes[1].imshow(heat, cmap=HEAT, vmin=0, vmax=1, extent=(0, width, height, 0))
    axes[1].set_title(_("uses: the effective field, σ = {sigma:.0f} pixels", sigma=sigma))
    _bare(axes[1])
    draw_frame(axes[1], seen, PAPER, style=DASHED)
    smooth = _smooth(heat)
    held = {share: _level(smooth, share) for share in SHARES}
    middles = np.arange(width) + 0.5, np.arange(height) + 0.5
    for share, style in zip(SHARES, ("solid", "dashed"), strict=True):
        if smooth.min() < held[share]:
            axes[1].contour(*middles, smooth, levels=[held[share]], colors=PAPER, linewidths=1.8, linestyles=style)
    areas = {share: float((smooth >= held[share]).mean()) for share in SHARES}
    solid, dashed = areas.values()
    axes[1].set_xlabel(
        _(
            "lines: 50% and 90% of the weight,\nin {solid:.0%} and {dashed:.0%} of the pixels",
            solid=solid,
            dashed=dashed,
        )
    )
    figure.colorbar(image, ax=axes[1], shrink=0.8, label=_("|gradient|, largest = 1"))
    told = [
        _("{share:.0%} of its weight lies in {area:.0%} of the pixels", share=share, area=area)
        for share, area in areas.items()
    ]
    inside = heat[int(seen[0]) : int(seen[2]), int(seen[1]) : int(seen[3])]
    row, column = peak(heat)
    return describe(
        figure,
        _(
            "Left: the unit can see {seen:.0%} of the picture. Right: its effective field is strongest at row {row}, "
            "column {column}, has a standard deviation of {sigma:.0f} pixels, and exceeds a tenth of its largest value "
            "on {strong:.0%} of what the unit can see. {areas}.",
            seen=box_area(seen) / (height * width),
            row=row,
            column=column,
            sigma=sigma,
            strong=(inside > 0.1).mean(),
            areas="; ".join(told),
        ),
    )


def draw_heats(heats: Mapping[str, np.ndarray], margin: int) -> Figure:
    """Several effective fields side by side on one scale, cut to `margin` pixels around the middle: name -> (H, W)."""
    figure, axes = new_figure(1, len(heats), height=3.4, squeeze=False)
    words = []
    named = {from_lesson(name): heat for name, heat in heats.items()}
    for axis, (name, heat) in zip(axes[0], named.items(), strict=True):
        row, column = heat.shape[0] // 2, heat.shape[1] // 2
        part = heat[row - margin : row + margin + 1, column - margin : column + margin + 1]
        image = axis.imshow(part, cmap=HEAT, vmin=0, vmax=1)
        axis.set_title(name)
        _bare(axis)
        words.append(
            _(
                "{name}: {counting} of {size} pixels count at all",
                name=name,
                counting=np.count_nonzero(part),
                size=part.size,
            )
        )
    figure.colorbar(image, ax=axes, shrink=0.9, label=_("|gradient|, largest = 1"))
    return describe(figure, _("Effective fields around the middle of the picture. {fields}.", fields="; ".join(words)))


def _smooth(heat: np.ndarray) -> np.ndarray:
    """Each pixel's mean with its surroundings: a line round single pixels would be a coast, not a contour."""
    reach = max(1, min(heat.shape) // 40)
    padded = np.pad(heat, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
    return windows.mean(axis=(2, 3))


def _level(heat: np.ndarray, share: float) -> float:
    """The value above which the heat holds this share of its sum."""
    falling = np.sort(heat.ravel())[::-1]
    held = np.cumsum(falling) / max(float(falling.sum()), ROUNDING)
    return float(falling[min(int(np.searchsorted(held, share - ROUNDING)), len(falling) - 1)])


def _side(box: Box, axis: int) -> str:
    return f"{box[axis + 2] - box[axis]:g}"


def _dim_outside(axes: Axes, box: Box, height: int, width: int) -> None:
    """Cover what the box leaves out with a veil, so that the box is seen without its colour."""
    top, left, bottom, right = box
    for x, y, w, h in [
        (0, 0, width, top), (0, bottom, width, height - bottom), (0, top, left, bottom - top),
        (right, top, width - right, bottom - top),
    ]:  # fmt: skip
        axes.add_patch(Rectangle((x, y), w, h, color=PAPER, alpha=0.7, lw=0))
    axes.add_patch(Rectangle((0, 0), width, height, fill=False, ec=MUTED, lw=1))


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _mark_cells(axes: Axes, marked: np.ndarray) -> None:
    rows, columns = marked.nonzero()
    axes.plot(columns, rows, "o", color=INK, markersize=min(5, 60 / len(marked)))
