"""Figures of the swap theorem: two scenes as bags of windows, and what breaks when one of its conditions does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vlmteach.language import _, from_lesson
from vlmteach.views.rounding import tell_size
from vlmteach.views.style import INK, MUTED, PAPER, describe, new_figure, show_picture

_GAP = 3  # white pixels between two windows


def draw_bags(
    pictures: Sequence[NDArray[np.float64]],
    bags: Sequence[NDArray[np.float64]],
    titles: Sequence[str],
    columns: int = 12,
) -> Figure:
    """Scenes, (H, W, 3) in [0, 1] each, and beside each the windows of all its cells, sorted: (n, h, w, 3)."""
    figure, axes = new_figure(len(pictures), 2, height=2.5 * len(pictures), width_ratios=(1, 3.2), squeeze=False)
    titles = [from_lesson(title) for title in titles]
    for (left, right), picture, bag, title in zip(axes, pictures, bags, titles, strict=True):
        show_picture(left, picture, title)
        show_picture(right, _mosaic(bag, columns), _("its {count} windows, sorted", count=len(bag)))
    same = [int(sum(np.array_equal(one, other) for one, other in zip(bags[0], bag, strict=True))) for bag in bags[1:]]
    equal = ", ".join(_("{same} of {count}", same=count, count=len(bags[0])) for count in same)
    return describe(
        figure,
        _(
            "Scenes: {titles}. Beside each, the windows around its cells, sorted. Equal to those of the first, one by "
            "one: {equal}.",
            titles="; ".join(titles),
            equal=equal,
        ),
    )


def _mosaic(bag: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Windows (n, h, w, 3) side by side on white, row by row."""
    count, height, width, _ = bag.shape
    rows = -(-count // columns)
    canvas = np.ones((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3))
    for number, window in enumerate(bag):
        top, left = (number // columns) * (height + _GAP), (number % columns) * (width + _GAP)
        canvas[top : top + height, left : left + width] = window
    return canvas


def draw_differences(names: Sequence[str], differences: Sequence[float], limit: float) -> Figure:
    """How far two outputs lie apart under each condition, on a logarithmic axis; up to `limit` they count as equal.

    What is equal has a bar of one length, however the last digits were rounded.
    """
    figure, axis = new_figure(height=1.1 + 0.5 * len(names))
    places = np.arange(len(names))[::-1]
    names, least, told = [from_lesson(name) for name in names], limit / 1e6, []
    for place, name, difference in zip(places, names, differences, strict=True):
        equal = difference <= limit
        shown = 10 * least if equal else difference
        axis.barh(
            place, shown - least, left=least, height=0.6, color=MUTED if equal else INK, hatch="//" if equal else ""
        )
        text = _("equal") if equal else tell_size(difference, limit)
        axis.text(shown, place, f" {text}", va="center")
        told.append(_("{name}: {difference}", name=name, difference=text))
    axis.axvline(limit, color=INK, linestyle="--")
    axis.text(
        limit,
        len(names) - 0.45,
        _("rounding, {limit:.0e} ", limit=limit),
        ha="right",
        va="bottom",
        backgroundcolor=PAPER,
    )
    axis.set_xscale("log")
    axis.set_xlim(least, 1e2)
    axis.set_ylim(-0.6, len(names) + 0.15)
    axis.set_yticks(places, names)
    axis.set_xlabel(_("largest difference of any score between a scene and its twin"))
    return describe(figure, _("Difference between a scene's and its twin's scores. {told}.", told="; ".join(told)))
