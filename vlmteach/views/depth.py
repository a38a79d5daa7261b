"""How far each layer of several networks reaches, over depth: gradient fields and attention in the same pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmteach.views.style import MUTED, PAPER, describe, new_figure

MARKS = ("o-", "s--", "^:", "D-.", "v-", "P--")


class DepthCurve(NamedTuple):
    """One network. depth: (layers,) in (0, 1]. field: (layers,) pixels. attention: (layers, heads) pixels, or None."""

    name: str
    hue: str
    depth: Sequence[float]
    field: np.ndarray
    attention: np.ndarray | None


def draw_distances(curves: Sequence[DepthCurve], even: float, title: str) -> Figure:
    """Mean distance over depth, left by gradient for every network, right by attention for those that attend.

    even: the distance when all pixels count alike, the same for both. Attention: the mean of heads, and each head.
    """
    figure, axes = new_figure(1, 2, height=4.8, sharey=True)
    handles = []
    for curve, mark in zip(curves, _marks(len(curves)), strict=True):
        handles += axes[0].plot(curve.depth, curve.field, mark, color=curve.hue, label=curve.name)
        if curve.attention is not None:
            axes[1].plot(curve.depth, curve.attention.mean(axis=1), mark, color=curve.hue)
            for head in curve.attention.T:
                axes[1].plot(curve.depth, head, mark[0], color=curve.hue, alpha=0.25, markersize=5, mec=PAPER)
    for axis, what in zip(axes, ("gradient field", "attention (faint: each head)"), strict=True):
        _finish(axis, what, even)
    axes[0].set_ylabel("mean distance in pixels")
    axes[0].text(0.02, even, "all pixels alike", color=MUTED, fontsize=11, va="bottom")
    axes[0].set_ylim(bottom=0)
    figure.suptitle(title, fontsize=13)
    figure.legend(handles=handles, loc="outside lower center", ncols=2 if len(curves) < 6 else 3, fontsize=11)
    return describe(
        figure,
        f"{title}. Mean distance of what counts for the middle unit, by depth; all pixels alike would be {even:.0f} "
        f"pixels. {'; '.join(map(_in_words, curves))}.",
    )


def _marks(count: int) -> list[str]:
    return [MARKS[i % len(MARKS)] for i in range(count)]


def _finish(axis: Axes, what: str, even: float) -> None:
    axis.axhline(even, color=MUTED, linewidth=1)
    axis.set_title(what)
    axis.set_xlim(0, 1.05)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "last"])
    axis.set_xlabel("depth")


def _in_words(curve: DepthCurve) -> str:
    text = f"{curve.name}: gradient from {curve.field[0]:.0f} to {curve.field[-1]:.0f} pixels"
    if curve.attention is not None:
        first, last = curve.attention[0].mean(), curve.attention[-1].mean()
        text += f", attention from {first:.0f} to {last:.0f}"
    return text
