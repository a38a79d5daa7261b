"""Figures of lesson 03: a picture cut into patches, what their size costs, and what says where each one was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.boxes import cell_box, draw_frame
from vlmteach.views.rounding import ROUNDING, tell_size
from vlmteach.views.style import DASHES, INK, MARKS, MUTED, PAPER, SIGNED, VIT_HUE, describe, new_figure, show_picture

PAIR = 4.3  # inches high: two square panels side by side


def draw_patches(picture: np.ndarray, patch_size: int, token: int) -> Figure:
    """A picture (H, W, 3) cut apart into its patches, and one of them alone: the input of one token."""
    rows, columns = picture.shape[0] // patch_size, picture.shape[1] // patch_size
    row, column = divmod(token, columns)
    top, left = row * patch_size, column * patch_size
    figure, axes = new_figure(1, 2, height=PAIR)
    show_picture(
        axes[0],
        picture,
        _("{rows} × {columns} = {count} patches, read row by row", rows=rows, columns=columns, count=rows * columns),
    )
    _draw_cuts(axes[0], rows, columns, patch_size, width=2.5)
    draw_frame(axes[0], (top, left, top + patch_size, left + patch_size), INK, 3.5, halo=7)
    patch = picture[top : top + patch_size, left : left + patch_size]
    show_picture(axes[1], patch, _("patch {token}: row {row}, column {column}", token=token, row=row, column=column))
    axes[1].set_xlabel(_("{side} × {side} × 3 = {count} numbers", side=patch_size, count=patch.size))
    return describe(
        figure,
        _(
            "The picture cut into {rows} by {columns} patches of {side} pixels. Patch {token} lies in row {row}, "
            "column {column}: {count} numbers, of mean brightness {mean:.2f}.",
            rows=rows,
            columns=columns,
            side=patch_size,
            token=token,
            row=row,
            column=column,
            count=patch.size,
            mean=patch.mean(),
        ),
    )


def draw_patch_sizes(
    picture: np.ndarray,
    sizes: Sequence[int],
    alone: Sequence[float],
    together: Sequence[float],
    chosen: int,
) -> Figure:
    """The same picture (H, W, 3) under one of several patch sizes, and what a transformer block pays for each.

    sizes: patch sizes in pixels. alone, together: for each, the multiplications that a block spends on tokens one by
    one, and those it spends on pairs of tokens. chosen: the size drawn on the picture.
    """
    rows, columns = picture.shape[0] // chosen, picture.shape[1] // chosen
    figure, axes = new_figure(1, 2, height=PAIR)
    show_picture(
        axes[0],
        picture,
        _(
            "patches of {side} pixels\n{rows} × {columns} = {count} tokens",
            side=chosen,
            rows=rows,
            columns=columns,
            count=rows * columns,
        ),
    )
    _draw_cuts(axes[0], rows, columns, chosen, width=1.2)
    places = np.arange(len(sizes))[::-1]
    millions = np.array([alone, together]) / 1e6
    colours = [VIT_HUE if size == chosen else MUTED for size in sizes]
    axes[1].barh(places, millions[0], color=colours, height=0.6)
    axes[1].barh(
        places, millions[1], left=millions[0], color="none", edgecolor=colours, hatch="////", linewidth=0, height=0.6
    )
    names = [_("{size} px: {count} tokens", size=size, count=_count(picture, size)) for size in sizes]
    axes[1].set_yticks(places, names)
    axes[1].set_xlim(0, millions.sum(axis=0).max() * 1.55)
    axes[1].set_xlabel(_("million multiplications a block\n(hatched: pairs of tokens)"))
    for place, total, part, size in zip(places, millions.sum(axis=0), millions[1], sizes, strict=True):
        weight = "bold" if size == chosen else "normal"
        axes[1].text(
            total,
            place,
            _(" {total:.0f}, {share:.0%} pairs", total=total, share=part / total),
            va="center",
            weight=weight,
            fontsize=11,
        )
    axes[1].set_title(_("cost of one block"))
    listed = "; ".join(
        _(
            "{size} pixels: {count} tokens, {total:.0f} million, {share:.0%} of it on pairs",
            size=size,
            count=_count(picture, size),
            total=total,
            share=part / total,
        )
        for size, total, part in zip(sizes, millions.sum(axis=0), millions[1], strict=True)
    )
    return describe(
        figure,
        _(
            "The picture under patches of {side} pixels: {rows} by {columns} tokens. Multiplications of one "
            "transformer block: {listed}.",
            side=chosen,
            rows=rows,
            columns=columns,
            listed=listed,
        ),
    )


def draw_filters(weights: np.ndarray, columns: int = 16) -> Figure:
    """The filters of a patch embedding, (D, 3, P, P), as small pictures: grey is 0, and each has its own scale."""
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    pictures = (0.5 + weights / np.where(largest > 0, 2 * largest, 1)).transpose(0, 2, 3, 1)
    edged = np.pad(pictures, ((0, -len(pictures) % columns), (0, 1), (0, 1), (0, 0)), constant_values=1)
    rows, side = len(edged) // columns, edged.shape[1]
    sheet = edged.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(rows * side, columns * side, 3)
    figure, axis = new_figure(height=0.6 * rows)
    show_picture(axis, sheet[:-1, :-1])
    return describe(
        figure,
        _(
            "{count} filters of {side} × {side} pixels in colour, grey where one is 0.",
            count=len(weights),
            side=side - 1,
        ),
    )


def draw_bag_of_patches(picture: np.ndarray, shuffled: np.ndarray, changes: Mapping[str, float]) -> Figure:
    """A picture, the same patches in another order (both (H, W, 3)), and how far each network's answer moved."""
    figure, axes = new_figure(1, 3, height=3.2, width_ratios=[1, 1, 1.2])
    show_picture(axes[0], picture, _("the picture"))
    show_picture(axes[1], shuffled, _("its patches, shuffled"))
    places = np.arange(len(changes))[::-1]
    told = [_("{name}: {size}", name=from_lesson(name), size=tell_size(change)) for name, change in changes.items()]
    values = np.maximum(list(changes.values()), ROUNDING)  # all that is only rounding has one length
    left = ROUNDING / 5
    axes[2].set_xscale("log")
    axes[2].hlines(places, left, values, color=VIT_HUE, linewidth=3)
    axes[2].plot(values, places, "o", color=VIT_HUE, markersize=10)
    axes[2].set_yticks([])
    for place, text in zip(places, told, strict=True):
        axes[2].text(left * 1.5, place + 0.14, text, va="bottom")
    axes[2].set_xlim(left, 10)
    axes[2].set_ylim(-0.5, len(changes) - 0.3)
    axes[2].set_xlabel(_("largest change of the output"))
    return describe(
        figure,
        _(
            "The picture, its patches in another order, and the largest change of the output. {listed}.",
            listed="; ".join(told),
        ),
    )


def draw_position_similarity(similarities: Mapping[str, np.ndarray], row: int, column: int) -> Figure:
    """How alike are the position codes of one cell and of every other? One panel for each kind of code.

    similarities: name -> (h, w), cosine of the angle between the code of cell (row, column) and that of each cell.
    """
    figure, axes = new_figure(1, len(similarities), height=PAIR, squeeze=False)
    texts = []
    for axis, (name, values) in zip(axes[0], similarities.items(), strict=True):
        shown = axis.imshow(values, cmap=SIGNED, vmin=-1, vmax=1, extent=(0, values.shape[1], values.shape[0], 0))
        axis.set_title(from_lesson(name))
        axis.set_xlabel(_("code of row {row}, column {column} against all", row=row, column=column))
        axis.set_xticks([])
        axis.set_yticks([])
        draw_frame(axis, cell_box((row, column)), INK, 3.5, halo=7)
        others = np.delete(values.ravel(), row * values.shape[1] + column)
        texts.append(
            _(
                "{name}: other cells from {least:z.2f} to {most:z.2f}, mean {mean:z.2f}",
                name=from_lesson(name),
                least=others.min(),
                most=others.max(),
                mean=others.mean(),
            )
        )
    figure.colorbar(shown, ax=axes[0], label=_("cosine similarity"), shrink=0.8)
    return describe(
        figure,
        _(
            "Similarity of the position code of row {row}, column {column} to all cells. {listed}.",
            row=row,
            column=column,
            listed="; ".join(texts),
        ),
    )


def draw_waves(codes: np.ndarray, waves: Sequence[int]) -> Figure:
    """The position codes of places along a line, (places, D), as stripes, and some of their numbers as waves."""
    figure, axes = new_figure(1, 2, height=3.4)
    shown = axes[0].imshow(codes, cmap=SIGNED, vmin=-1, vmax=1, aspect="auto")
    axes[0].set_title(_("the codes of {count} rows", count=len(codes)))
    axes[0].set_xlabel(_("number of the code"))
    axes[0].set_ylabel(_("row"))
    figure.colorbar(shown, ax=axes[0])
    for index, wave in enumerate(waves):
        style = {"marker": MARKS[index % len(MARKS)], "linestyle": DASHES[index % len(DASHES)], "color": VIT_HUE}
        axes[1].plot(codes[:, wave], label=_("number {wave}", wave=wave), alpha=1 - 0.2 * index, **style)
    axes[1].set_title(_("from fast to slow"))
    axes[1].set_xlabel(_("row"))
    axes[1].set_ylim(-1.1, 1.1)
    figure.legend(loc="outside right upper")
    turns = ", ".join(_("number {wave}: {times}", wave=wave, times=_sign_changes(codes[:, wave])) for wave in waves)
    return describe(
        figure,
        _(
            "The position codes of {rows} rows, {width} numbers each. How often each number changes its sign from "
            "row to row: {turns}.",
            rows=len(codes),
            width=codes.shape[1],
            turns=turns,
        ),
    )


def _sign_changes(wave: np.ndarray) -> int:
    signs = np.sign(wave[np.abs(wave) > ROUNDING])
    return int((signs[1:] != signs[:-1]).sum())


def _count(picture: np.ndarray, size: int) -> int:
    return (picture.shape[0] // size) * (picture.shape[1] // size)


def _draw_cuts(axis: Axes, rows: int, columns: int, size: int, width: float) -> None:
    axis.hlines(size * np.arange(rows + 1), 0, size * columns, color=PAPER, linewidth=width)
    axis.vlines(size * np.arange(columns + 1), 0, size * rows, color=PAPER, linewidth=width)
