"""Figures of cost: what a larger picture costs an encoder, and what a connector leaves for the language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from vlmteach.language import N_, _, from_lesson
from vlmteach.views.style import CNN_HUE, DASHES, INK, MARKS, PAPER, VIT_HUE, describe, new_figure

# how a quantity is drawn: label, and by what it is divided
_UNITS = {
    "tokens": (N_("tokens"), 1.0),
    "flops": (N_("operations, MFLOPs"), 1e6),
    "milliseconds": (N_("milliseconds"), 1.0),
    "bytes": (N_("memory, MiB"), 2.0**20),
}

# where a name may stand beside its mark, the best first: points right and up, and how it is aligned there
_PLACES: tuple[tuple[tuple[float, float], dict[str, Any]], ...] = tuple(
    ((across, up), {"ha": ha, "va": va})
    for far in (1, 1.9)
    for across, up, ha, va in (
        (0, 8 * far, "center", "bottom"),
        (0, -8 * far, "center", "top"),
        (9 * far, 0, "left", "center"),
        (-9 * far, 0, "right", "center"),
        (6 * far, 6 * far, "left", "bottom"),
        (6 * far, -6 * far, "left", "top"),
        (-6 * far, 6 * far, "right", "bottom"),
        (-6 * far, -6 * far, "right", "top"),
    )
)
_MARK = 8.0  # pixels from the middle of a mark to where a name may begin


class CostCurve(NamedTuple):
    """One part: title, hue, sides of the picture in pixels (n,), and each quantity (n,) by name."""

    title: str
    hue: str
    sides: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]


class Tower(NamedTuple):
    """One published image tower: name, family ("cnn" or "vit"), data, operations in 10⁹, accuracy in percent.

    soup: whether its weights are an average of several networks; such a mark is hollow.
    """

    name: str
    family: str
    data: str
    gflops: float
    accuracy: float
    soup: bool = False


def draw_cost(curves: Sequence[CostCurve]) -> Figure:
    """Tokens, operations, time and memory over the side of the picture; both axes are logarithmic."""
    figure, axes = new_figure(2, 2, height=6.2, sharex=True)
    titles, told = [from_lesson(curve.title) for curve in curves], []
    for axis, (quantity, (name, unit)) in zip(axes.flat, _UNITS.items(), strict=True):
        label = _(name)
        for index, (title, curve) in enumerate(zip(titles, curves, strict=True)):
            style = {"color": curve.hue, "linestyle": DASHES[index], "marker": MARKS[index], "markersize": 7}
            first = quantity == "tokens"
            axis.plot(curve.sides, curve.values[quantity] / unit, label=title if first else None, **style)
            ends = curve.values[quantity][[0, -1]] / unit
            low, high = map(_in_digits, ends)
            told.append(_("{label}, {title}: {low} to {high}", label=label, title=title, low=low, high=high))
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_ylabel(label)
        axis.set_xticks(curves[0].sides, [str(side) for side in curves[0].sides])
        axis.minorticks_off()
    for axis in axes[-1]:
        axis.set_xlabel(_("side of the picture in pixels"))
    figure.legend(loc="outside upper center", ncols=len(curves))
    sides = curves[0].sides
    return describe(
        figure,
        _(
            "Cost of one picture from {first} to {last} pixels. {told}.",
            first=sides[0],
            last=sides[-1],
            told="; ".join(told),
        ),
    )


def _in_digits(value: float) -> str:
    """Three digits, or all of them before the point: 0.32, 8.85, 2,304."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw_towers(towers: Sequence[Tower]) -> Figure:
    """Published accuracy over operations, one panel for each data set; both families in each."""
    sets = list(dict.fromkeys(tower.data for tower in towers))
    figure, axes = new_figure(1, len(sets), height=5.4, sharex=True, sharey=True, squeeze=False)
    for axis, data in zip(axes[0], sets, strict=True):
        for family, mark, hue in (("cnn", "s", CNN_HUE), ("vit", "o", VIT_HUE)):
            for soup, fill in ((False, hue), (True, PAPER)):
                own = [t for t in towers if (t.data, t.family, t.soup) == (data, family, soup)]
                points = np.array([[tower.gflops, tower.accuracy] for tower in own]).reshape(-1, 2)
                axis.plot(*points.T, mark, color=hue, markerfacecolor=fill, markersize=9, markeredgewidth=2)
        axis.set_xscale("log")
        axis.set_xticks([10, 100, 1000], ["10", "100", "1,000"])
        axis.minorticks_off()
        axis.set_title(_("trained on {data}", data=data))
        axis.set_xlabel(_("GFLOPs of the image tower"))
        axis.margins(x=0.42, y=0.12)
    axes[0, 0].set_ylabel(_("zero-shot ImageNet, percent"))
    kinds = [axes[0, 0].get_lines()[i] for i in (0, 2)]
    figure.legend(kinds, [_("CNN (hollow: averaged weights)"), _("ViT")], loc="outside upper center", ncols=2)
    figure.draw_without_rendering()  # the layout decides how large the panels are, and so where a name has room
    for axis, data in zip(axes[0], sets, strict=True):
        _name_towers(axis, [tower for tower in towers if tower.data == data])
    told = "; ".join(f"{t.name} ({t.data}) {t.gflops:,.0f} GFLOPs, {t.accuracy:.1f}" for t in towers)
    return describe(figure, _("Zero-shot accuracy on ImageNet over operations. {told}.", told=told))


def _name_towers(axis: Axes, towers: Sequence[Tower]) -> None:
    """Write each tower's name where it covers no mark, no other name, and as little of the lines as can be."""
    marks = axis.transData.transform([(tower.gflops, tower.accuracy) for tower in towers])
    taken = [Bbox.from_extents(*(mark - _MARK), *(mark + _MARK)) for mark in marks]
    drawn = [line for line in axis.lines if np.size(line.get_xdata())]  # matplotlib before 3.11 resamples no empty path
    lines = [line.get_transform().transform_path(line.get_path()).interpolated(50).vertices for line in drawn]
    dots = np.concatenate(lines)
    for tower in towers:
        text = axis.annotate(
            tower.name,
            (tower.gflops, tower.accuracy),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=11,
            color=INK,
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
        )
        text.set_in_layout(False)
        places: list[tuple[tuple[int, bool, int], int]] = []
        for offset, sides in _PLACES:
            text.set(position=offset, **sides)
            box = text.get_window_extent()
            hidden = box.count_overlaps(taken), not _within(axis.bbox, box), box.count_contains(dots)
            places.append((hidden, len(places)))
        offset, sides = _PLACES[min(places)[1]]
        text.set(position=offset, **sides)
        taken.append(text.get_window_extent())


def _within(outer: Bbox, inner: Bbox) -> bool:
    return bool(outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1)
