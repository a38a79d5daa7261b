"""Figures of lesson 07: what a connector takes and gives, who may look at whom, what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from vlmteach.language import N_, _, from_lesson
from vlmteach.views.boxes import draw_frame
from vlmteach.views.style import CNN_HUE, INK, LANGUAGE_HUE, MUTED, PAPER, describe, new_figure, show_picture

_SEES = {
    "all": N_("{looker} sees all of {seen}"),
    "part": N_("{looker} sees part of {seen}"),
    "none": N_("{looker} sees none of {seen}"),
}


def draw_mask(mask: np.ndarray, parts: Sequence[tuple[str, int]]) -> Figure:
    """Who may look at whom. mask: (L, L) bool, True = may; parts: (name, how many tokens), together L, in order."""
    length = len(mask)
    names, counts = [from_lesson(name) for name, _count in parts], [count for _name, count in parts]
    figure, axis = new_figure(height=4.6)
    axis.set_aspect("equal")
    for row in range(length):
        for column in range(length):
            may = bool(mask[row, column])
            axis.add_patch(
                Rectangle(
                    (column, row), 1, 1, facecolor=LANGUAGE_HUE if may else PAPER, edgecolor="#BBBBBB", linewidth=0.8
                )
            )
            if may:  # a dot, so that the mask reads without colour
                axis.plot(column + 0.5, row + 0.5, marker="o", color=PAPER, markersize=5)
    edges = np.cumsum([0, *counts])
    for edge in edges:
        axis.plot([edge, edge], [0, length], color=INK, linewidth=2)
        axis.plot([0, length], [edge, edge], color=INK, linewidth=2)
    middles = (edges[:-1] + edges[1:]) / 2
    axis.set_xticks(middles, names)
    axis.set_yticks(middles, names)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_xlim(-0.05, length + 0.05)
    axis.set_ylim(length + 0.05, -0.05)
    axis.set_xlabel(_("a row looks at the columns with a dot"))
    sees = []
    for looker, top, bottom in zip(names, edges, edges[1:], strict=False):
        for seen, left, right in zip(names, edges, edges[1:], strict=False):
            block = mask[top:bottom, left:right]
            much = _SEES["all" if block.all() else "part" if block.any() else "none"]
            sees.append(_(much, looker=looker, seen=seen))
    return describe(figure, _("A mask over {length} tokens: {listed}.", length=length, listed="; ".join(sees)))


def draw_selection(names: Sequence[str], right: Sequence[int], total: int, bound: int) -> Figure:
    """Right answers of several rules, and the most that addition can get. bound: that most."""
    names = [from_lesson(name) for name in names]
    figure, axis = new_figure(height=0.9 + 0.55 * len(names))
    places = np.arange(len(names))[::-1]
    axis.barh(places, right, color=LANGUAGE_HUE, height=0.6)
    axis.set_yticks(places, names)
    axis.axvline(bound, color=INK, linestyle="--")
    axis.text(bound, len(names) - 0.45, _("no sum can pass {bound} ", bound=bound), ha="right", va="bottom")
    for place, count in zip(places, right, strict=True):
        axis.text(count - total * 0.01, place, f"{count} ", va="center", ha="right", color=PAPER, weight="bold")
    axis.set_xlim(0, total)
    axis.set_ylim(-0.5, len(names) - 0.1)
    axis.set_xlabel(_("right answers of {total}", total=total))
    listed = "; ".join(f"{name}: {count}" for name, count in zip(names, right, strict=True))
    return describe(
        figure,
        _(
            "Right answers of {total}, with a line at {bound}, the most a sum can get. {listed}.",
            total=total,
            bound=bound,
            listed=listed,
        ),
    )


def draw_costs(names: Sequence[str], lengths: Sequence[int], parameters: Sequence[int]) -> Figure:
    """Two costs of a connector: how long the language model's sequence gets, and how many parameters it has."""
    names = [from_lesson(name) for name in names]
    figure, axes = new_figure(1, 2, height=0.9 + 0.5 * len(names), sharey=True)
    places = np.arange(len(names))[::-1]
    for axis, values, colour, label in [
        (axes[0], lengths, LANGUAGE_HUE, _("tokens in the language model's sequence")),
        (axes[1], parameters, MUTED, _("parameters of the connector")),
    ]:
        axis.barh(places, values, color=colour, height=0.6)
        axis.set_xlim(0, max(values) * 1.3)
        axis.set_xlabel(label)
        for place, value in zip(places, values, strict=True):
            axis.text(value, place, f" {value:,}", va="center")
    axes[0].set_yticks(places, names)
    axes[1].xaxis.set_major_locator(MaxNLocator(4))
    axes[1].xaxis.set_major_formatter("{x:,.0f}")
    listed = "; ".join(
        _("{name}: {length} tokens, {count:,} parameters", name=name, length=length, count=count)
        for name, length, count in zip(names, lengths, parameters, strict=True)
    )
    return describe(figure, _("Two costs of each connector. {listed}.", listed=listed))


def draw_gates(gates: Mapping[str, Sequence[float]], errors: Mapping[str, Sequence[float]]) -> Figure:
    """The opening |tanh(gate)| and the error over training steps, one line for each layer; the sign is free."""
    figure, axes = new_figure(1, 2, height=3.2)
    for (name, gate), style, colour in zip(gates.items(), ("-", "--", ":"), (LANGUAGE_HUE, INK, MUTED), strict=False):
        axes[0].plot(np.abs(np.tanh(gate)), style, color=colour, label=from_lesson(name))
        axes[1].plot(errors[name], style, color=colour, label=from_lesson(name))
    axes[0].set_ylabel(_("opening, |tanh(gate)|"))
    axes[1].set_ylabel(_("error"))
    for axis in axes:
        axis.set_xlabel(_("step"))
    axes[1].legend(frameon=False)
    ends = "; ".join(
        _(
            "{name}: opening {opening:.2f}, error {first:.2f} at first and {last:.2f} at last",
            name=from_lesson(name),
            opening=abs(np.tanh(gate[-1])),
            first=errors[name][0],
            last=errors[name][-1],
        )
        for name, gate in gates.items()
    )
    steps = len(next(iter(gates.values())))
    return describe(figure, _("Gate opening and error over {steps} steps. {ends}.", steps=steps, ends=ends))


def draw_regions(picture: np.ndarray, boxes: np.ndarray, names: Sequence[str]) -> Figure:
    """Boxes (R, 4), (top, left, bottom, right) in pixels, on a picture (H, W, 3) in [0, 1]; each box is one token."""
    names = [from_lesson(name) for name in names]
    figure, axis = new_figure(height=4.6)
    show_picture(axis, picture, _("{count} regions, {count} tokens", count=len(boxes)))
    for (top, left, bottom, right), name in zip(boxes, names, strict=True):
        draw_frame(axis, (top, left, bottom, right), CNN_HUE, 3, halo=5)
        above = top > 0.06 * len(picture)  # a name stands above its box where there is room
        place = {"y": top - 3, "va": "bottom"} if above else {"y": top + 3, "va": "top"}
        axis.text(left + 1, s=name, bbox={"facecolor": PAPER, "edgecolor": CNN_HUE, "pad": 2}, **place)
    listed = "; ".join(
        _(
            "{name}, rows {top:.0f} to {bottom:.0f}, columns {left:.0f} to {right:.0f}",
            name=name,
            top=top,
            bottom=bottom,
            left=left,
            right=right,
        )
        for (top, left, bottom, right), name in zip(boxes, names, strict=True)
    )
    return describe(figure, _("{count} regions on the picture: {listed}.", count=len(boxes), listed=listed))
