"""Figures of cost: what a larger picture costs an eye, and what a connector leaves for the language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vlmteach.views.style import CNN, DASHES, INK, MARKS, PAPER, VIT, describe, new_figure

# how a quantity is drawn: label, and by what it is divided
_UNITS = {
    "tokens": ("tokens", 1.0),
    "flops": ("operations, MFLOPs", 1e6),
    "milliseconds": ("milliseconds", 1.0),
    "bytes": ("memory, MiB", 2.0**20),
}


class CostCurve(NamedTuple):
    """One part: title, hue, sides of the picture in pixels (n,), and each quantity (n,) by name."""

    title: str
    hue: str
    sides: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]


class Tower(NamedTuple):
    """One published image tower: name, family ("cnn" or "vit"), data, operations in 10⁹, accuracy in percent."""

    name: str
    family: str
    data: str
    gflops: float
    accuracy: float


def draw_cost(curves: Sequence[CostCurve]) -> Figure:
    """Tokens, operations, time and memory over the side of the picture; both axes are logarithmic."""
    figure, axes = new_figure(2, 2, height=6.2, sharex=True)
    told = []
    for axis, (quantity, (label, unit)) in zip(axes.flat, _UNITS.items(), strict=True):
        for index, curve in enumerate(curves):
            style = {"color": curve.hue, "linestyle": DASHES[index], "marker": MARKS[index], "markersize": 7}
            first = quantity == "tokens"
            axis.plot(curve.sides, curve.values[quantity] / unit, label=curve.title if first else None, **style)
            ends = curve.values[quantity][[0, -1]] / unit
            told.append(f"{label}, {curve.title}: {ends[0]:,.3g} to {ends[1]:,.3g}")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_ylabel(label)
        axis.set_xticks(curves[0].sides, [str(side) for side in curves[0].sides])
        axis.minorticks_off()
    for axis in axes[-1]:
        axis.set_xlabel("side of the picture in pixels")
    figure.legend(loc="outside upper center", ncols=len(curves))
    sides = curves[0].sides
    return describe(figure, f"Cost of one picture from {sides[0]} to {sides[-1]} pixels. {'; '.join(told)}.")


def draw_towers(towers: Sequence[Tower]) -> Figure:
    """Published accuracy over operations, one panel for each data set; both families in each."""
    sets = list(dict.fromkeys(tower.data for tower in towers))
    figure, axes = new_figure(1, len(sets), height=5.4, sharey=True, squeeze=False)
    for axis, data in zip(axes[0], sets, strict=True):
        cnns, vits = (
            sorted((t for t in towers if (t.data, t.family) == (data, family)), key=lambda tower: tower.gflops)
            for family in ("cnn", "vit")
        )
        _draw_family(axis, cnns, vits, "s-", CNN, CNN)
        _draw_family(axis, vits, cnns, "o--", VIT, PAPER)
        axis.set_xscale("log")
        axis.set_xticks([10, 30, 100, 300], ["10", "30", "100", "300"])
        axis.minorticks_off()
        axis.set_title(f"trained on data of {data}")
        axis.set_xlabel("operations of the image tower, GFLOPs")
        axis.margins(x=0.2, y=0.12)
    axes[0, 0].set_ylabel("zero-shot ImageNet, percent")
    figure.legend(axes[0, 0].get_lines(), ["CNN", "ViT"], loc="outside upper center", ncols=2)
    told = "; ".join(f"{t.name} ({t.data}) {t.gflops:.0f} GFLOPs, {t.accuracy:.1f}" for t in towers)
    return describe(figure, f"Zero-shot accuracy on ImageNet over operations. {told}.")


def _draw_family(axis: Axes, own: Sequence[Tower], other: Sequence[Tower], line: str, hue: str, fill: str) -> None:
    """One family with its names: above where it is the better one, below where it is not."""
    reference = np.array([[np.log(tower.gflops), tower.accuracy] for tower in other])
    points = np.array([[tower.gflops, tower.accuracy] for tower in own])
    axis.plot(*points.T, line, color=hue, markerfacecolor=fill, markersize=9, markeredgewidth=2)
    last = (0.0, 0)  # where the name before stands, and how many neighbours it has stepped aside for
    for tower in own:
        close = last[1] + 1 if tower.gflops < 2 * last[0] else 0
        last = (tower.gflops, close)
        better = tower.accuracy >= np.interp(np.log(tower.gflops), *reference.T)
        away = (9 + 15 * (close % 2)) * (1 if better else -1)
        axis.annotate(
            tower.name,
            (tower.gflops, tower.accuracy),
            xytext=(0, away),
            textcoords="offset points",
            ha="center",
            va="bottom" if better else "top",
            fontsize=11,
            color=INK,
        )
