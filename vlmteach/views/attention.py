"""Attention over a picture: what each head looks at, how far it looks, and what hiding a cell really changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.boxes import cell_box, draw_frame
from vlmteach.views.rounding import ROUNDING, peak, ranked, tell_size
from vlmteach.views.style import INK, MUTED, PAPER, VIT_HUE, describe, new_figure, scale_ends, show_cells, show_picture

COLUMNS = 5  # panels in a row of the gallery, the picture included


def draw_head_gallery(
    picture: np.ndarray,
    maps: Sequence[np.ndarray],
    names: Sequence[str],
    position: tuple[int, int],
    common_scale: bool = False,
) -> Figure:
    """One query in the picture (H, W, 3), and where each head looks for it.

    maps: for each head, the weights (h, w) of this query on all cells. position: (row, column) of the query.
    common_scale: one scale for all maps, or for each its own; an even map lies in the middle of its own. The largest
    weight is printed beside what an even spread would give.
    """
    rows = math.ceil((1 + len(maps)) / COLUMNS)
    columns = min(1 + len(maps), COLUMNS)
    figure, axes = new_figure(rows, columns, height=2.6 * rows, squeeze=False)
    panels = list(axes.ravel())
    for axis in panels[1 + len(maps) :]:
        axis.set_axis_off()
    height, width = maps[0].shape
    names = [from_lesson(name) for name in names]
    show_picture(panels[0], picture, _("query"))
    draw_frame(panels[0], cell_box(position, picture.shape[0] / height, picture.shape[1] / width), INK, halo=5)
    for axis, weights, name, end in zip(panels[1:], maps, names, scale_ends(maps, common_scale), strict=False):
        _draw_heat(axis, weights, end, name, position)
        axis.set_xlabel(_("up to {most:.3f}", most=weights.max()), fontsize=11)
    panels[0].set_xlabel(_("even: {share:.3f}", share=1 / (height * width)), fontsize=11)
    listed = "; ".join(_tell_head(name, weights) for name, weights in zip(names, maps, strict=True))
    told = _(
        "Where each head looks from row {row}, column {column} of {height} by {width} cells; an even "
        "spread would be {share:.3f} everywhere. {listed}.",
        row=position[0],
        column=position[1],
        height=height,
        width=width,
        share=1 / (height * width),
        listed=listed,
    )
    return describe(figure, told + (_(" All maps share one scale.") if common_scale else ""))


def _tell_head(name: str, weights: np.ndarray) -> str:
    if np.ptp(weights) <= ROUNDING * weights.max():
        return _("{name} is spread evenly", name=name)
    row, column = peak(weights)
    return _(
        "{name} has its largest weight, {weight:.3f}, in row {row}, column {column}",
        name=name,
        weight=weights.max(),
        row=row,
        column=column,
    )


def draw_distance_by_depth(distances: Mapping[str, np.ndarray], uniform: float) -> Figure:
    """Mean attention distance of every head against the depth of its layer.

    distances: model name -> (layers, heads) in pixels. uniform: the distance of attention spread evenly.
    """
    figure, axes = new_figure(1, len(distances), height=3.6, sharey=True, squeeze=False)
    texts = []
    for axis, (name, table) in zip(axes[0], distances.items(), strict=True):
        depth = np.arange(len(table))
        for head in range(table.shape[1]):
            axis.plot(depth, table[:, head], "o", color=VIT_HUE, alpha=0.6, markersize=7, markeredgecolor=PAPER)
        axis.plot(depth, table.mean(axis=1), color=INK, linewidth=1.5, label=_("mean of the heads"))
        axis.axhline(uniform, color=MUTED, linestyle="--", label=_("attention spread evenly"))
        axis.set_title(from_lesson(name))
        axis.set_xlabel(_("layer"))
        axis.set_xticks(depth)
        axis.set_ylim(0, 1.3 * max(uniform, *(values.max() for values in distances.values())))
        texts.append(
            _(
                "{name}: heads from {least:.0f} to {most:.0f} pixels, mean {first:.0f} in the first layer and "
                "{last:.0f} in the last",
                name=from_lesson(name),
                least=table.min(),
                most=table.max(),
                first=table[0].mean(),
                last=table[-1].mean(),
            )
        )
    axes[0, 0].set_ylabel(_("mean distance in pixels"))
    axes[0, 0].legend(loc="upper left")
    return describe(
        figure,
        _(
            "Mean attention distance of each head by layer; spread evenly it would be {uniform:.0f} pixels. {listed}.",
            uniform=uniform,
            listed="; ".join(texts),
        ),
    )


def draw_attention_and_occlusion(
    picture: np.ndarray, weights: np.ndarray, change: np.ndarray, position: tuple[int, int]
) -> Figure:
    """The attention of one query beside what was measured: how much its output moves when a cell is hidden.

    The query's own cell often outshines all others, so the last panel leaves it out and has its own scale.
    picture: (H, W, 3). weights: (h, w). change: (h, w), size of the change of the query's output. position: the query.
    """
    figure, axes = new_figure(1, 4, height=3.1)
    height, width = weights.shape
    show_picture(axes[0], picture, _("query"))
    draw_frame(axes[0], cell_box(position, picture.shape[0] / height, picture.shape[1] / width), INK, halo=5)
    (end,) = scale_ends([weights])
    _draw_heat(axes[1], weights, end, _("attention weight"), position)
    _draw_heat(axes[2], change, change.max(), _("change when hidden"), position)
    axes[1].set_xlabel(_("up to {most:.3f}", most=weights.max()))
    axes[2].set_xlabel(_("up to {most:.3f}", most=change.max()))
    others = change.copy()
    others[position] = 0
    _draw_heat(axes[3], others, others.max(), _("… of the others"), position)
    axes[3].set_xlabel(_("up to {most:.3f}", most=others.max()))
    row, column = peak(weights)
    told = _(
        "Query in row {row}, column {column}. Its largest weight is in row {bright}, column {bright_column}; {change}",
        row=position[0],
        column=position[1],
        bright=row,
        bright_column=column,
        change=_tell_change(weights, change),
    )
    rest = _(" Hiding any other than its own changes its output by at most {size}.", size=tell_size(others.max()))
    return describe(figure, told + rest)


def _tell_change(weights: np.ndarray, change: np.ndarray) -> str:
    if change.max() < ROUNDING:
        return _("hiding any one cell changes nothing.")
    row, column = peak(change)
    overlap = len(_top(weights) & _top(change)) / len(_top(weights))
    return _(
        "hiding row {row}, column {column} changes its output most. Of the tenth of the cells with the largest "
        "weights, {overlap:.0%} are also in the tenth that changes it most.",
        row=row,
        column=column,
        overlap=overlap,
    )


def _top(values: np.ndarray) -> set[int]:
    """The tenth of the cells with the largest values."""
    return set(ranked(values)[: max(1, values.size // 10)].tolist())


def _draw_heat(axis: Axes, values: np.ndarray, end: float, title: str, position: tuple[int, int]) -> None:
    show_cells(axis, values, end)
    axis.set_title(title)
    draw_frame(axis, cell_box(position), INK, halo=5)
