"""Figures of lesson 03: a picture cut into patches, what their size costs, and what says where each one was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    show_picture(axes[0], picture, f"{rows} × {columns} = {rows * columns} patches, read row by row")
    _draw_cuts(axes[0], rows, columns, patch_size, width=2.5)
    draw_frame(axes[0], (top, left, top + patch_size, left + patch_size), INK, 3.5, halo=7)
    patch = picture[top : top + patch_size, left : left + patch_size]
    show_picture(axes[1], patch, f"patch {token}: row {row}, column {column}")
    axes[1].set_xlabel(f"{patch_size} × {patch_size} × 3 = {patch.size} numbers")
    return describe(
        figure,
        f"The picture cut into {rows} by {columns} patches of {patch_size} pixels. Patch {token} lies in row "
        f"{row}, column {column}: {patch.size} numbers, of mean brightness {patch.mean():.2f}.",
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
    show_picture(axes[0], picture, f"patches of {chosen} pixels\n{rows} × {columns} = {rows * columns} tokens")
    _draw_cuts(axes[0], rows, columns, chosen, width=1.2)
    places = np.arange(len(sizes))[::-1]
    millions = np.array([alone, together]) / 1e6
    colours = [VIT_HUE if size == chosen else MUTED for size in sizes]
    axes[1].barh(places, millions[0], color=colours, height=0.6)
    axes[1].barh(
        places, millions[1], left=millions[0], color="none", edgecolor=colours, hatch="////", linewidth=0, height=0.6
    )
    names = [f"{size} px: {_count(picture, size)} tokens" for size in sizes]
    axes[1].set_yticks(places, names)
    axes[1].set_xlim(0, millions.sum(axis=0).max() * 1.55)
    axes[1].set_xlabel("million multiplications a block\n(hatched: pairs of tokens)")
    for place, total, part, size in zip(places, millions.sum(axis=0), millions[1], sizes, strict=True):
        weight = "bold" if size == chosen else "normal"
        axes[1].text(total, place, f" {total:.0f}, {part / total:.0%} pairs", va="center", weight=weight, fontsize=11)
    axes[1].set_title("cost of one block")
    listed = "; ".join(
        f"{size} pixels: {_count(picture, size)} tokens, {total:.0f} million, {part / total:.0%} of it on pairs"
        for size, total, part in zip(sizes, millions.sum(axis=0), millions[1], strict=True)
    )
    return describe(
        figure,
        f"The picture under patches of {chosen} pixels: {rows} by {columns} tokens. Multiplications of one transformer "
        f"block: {listed}.",
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
    return describe(figure, f"{len(weights)} filters of {side - 1} × {side - 1} pixels in colour, grey where one is 0.")


def draw_bag_of_patches(picture: np.ndarray, shuffled: np.ndarray, changes: Mapping[str, float]) -> Figure:
    """A picture, the same patches in another order (both (H, W, 3)), and how far each network's answer moved."""
    figure, axes = new_figure(1, 3, height=3.2, width_ratios=[1, 1, 1.2])
    show_picture(axes[0], picture, "the picture")
    show_picture(axes[1], shuffled, "its patches, shuffled")
    places = np.arange(len(changes))[::-1]
    values = np.maximum(list(changes.values()), ROUNDING)  # all that is only rounding has one length
    left = ROUNDING / 5
    axes[2].set_xscale("log")
    axes[2].hlines(places, left, values, color=VIT_HUE, linewidth=3)
    axes[2].plot(values, places, "o", color=VIT_HUE, markersize=10)
    axes[2].set_yticks([])
    for place, (name, value) in zip(places, changes.items(), strict=True):
        axes[2].text(left * 1.5, place + 0.14, f"{name}: {tell_size(value)}", va="bottom")
    axes[2].set_xlim(left, 10)
    axes[2].set_ylim(-0.5, len(changes) - 0.3)
    axes[2].set_xlabel("largest change of the output")
    listed = "; ".join(f"{name}: {tell_size(value)}" for name, value in changes.items())
    return describe(
        figure, f"The picture, its patches in another order, and the largest change of the output. {listed}."
    )


def draw_position_similarity(similarities: Mapping[str, np.ndarray], row: int, column: int) -> Figure:
    """How alike are the position codes of one cell and of every other? One panel for each kind of code.

    similarities: name -> (h, w), cosine of the angle between the code of cell (row, column) and that of each cell.
    """
    figure, axes = new_figure(1, len(similarities), height=PAIR, squeeze=False)
    texts = []
    for axis, (name, values) in zip(axes[0], similarities.items(), strict=True):
        shown = axis.imshow(values, cmap=SIGNED, vmin=-1, vmax=1, extent=(0, values.shape[1], values.shape[0], 0))
        axis.set_title(name)
        axis.set_xlabel(f"code of row {row}, column {column} against all")
        axis.set_xticks([])
        axis.set_yticks([])
        draw_frame(axis, cell_box((row, column)), INK, 3.5, halo=7)
        others = np.delete(values.ravel(), row * values.shape[1] + column)
        texts.append(f"{name}: other cells from {others.min():z.2f} to {others.max():z.2f}, mean {others.mean():z.2f}")
    figure.colorbar(shown, ax=axes[0], label="cosine similarity", shrink=0.8)
    return describe(
        figure, f"Similarity of the position code of row {row}, column {column} to all cells. {'; '.join(texts)}."
    )


def draw_waves(codes: np.ndarray, waves: Sequence[int]) -> Figure:
    """The position codes of places along a line, (places, D), as stripes, and some of their numbers as waves."""
    figure, axes = new_figure(1, 2, height=3.4)
    shown = axes[0].imshow(codes, cmap=SIGNED, vmin=-1, vmax=1, aspect="auto")
    axes[0].set_title(f"the codes of {len(codes)} rows")
    axes[0].set_xlabel("number of the code")
    axes[0].set_ylabel("row")
    figure.colorbar(shown, ax=axes[0])
    for index, wave in enumerate(waves):
        style = {"marker": MARKS[index % len(MARKS)], "linestyle": DASHES[index % len(DASHES)], "color": VIT_HUE}
        axes[1].plot(codes[:, wave], label=f"number {wave}", alpha=1 - 0.2 * index, **style)
    axes[1].set_title("from fast to slow")
    axes[1].set_xlabel("row")
    axes[1].set_ylim(-1.1, 1.1)
    figure.legend(loc="outside right upper")
    turns = ", ".join(f"number {wave}: {_sign_changes(codes[:, wave])}" for wave in waves)
    told = f"The position codes of {len(codes)} rows, {codes.shape[1]} numbers each"
    return describe(figure, f"{told}. How often each number changes its sign from row to row: {turns}.")


def _sign_changes(wave: np.ndarray) -> int:
    signs = np.sign(wave[np.abs(wave) > ROUNDING])
    return int((signs[1:] != signs[:-1]).sum())


def _count(picture: np.ndarray, size: int) -> int:
    return (picture.shape[0] // size) * (picture.shape[1] // size)


def _draw_cuts(axis: Axes, rows: int, columns: int, size: int, width: float) -> None:
    axis.hlines(size * np.arange(rows + 1), 0, size * columns, color=PAPER, linewidth=width)
    axis.vlines(size * np.arange(columns + 1), 0, size * rows, color=PAPER, linewidth=width)
