"""Figures of learning: accuracy over the steps, over the pictures there are to learn from, and what "not yet" means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vlmteach.language import _, from_lesson
from vlmteach.views.style import DASHES, INK, MARKS, MUTED, describe, new_figure


class LearningCurve(NamedTuple):
    """One cell: title, hue, steps (windows,), accuracy (seeds, windows) on new pictures, steps to the level (seeds,).

    reached: NaN where a seed never came to the level.
    """

    title: str
    hue: str
    steps: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    reached: NDArray[np.float64]


class HungerCurve(NamedTuple):
    """One encoder: title, hue, pictures in the set (sizes,), accuracy on new pictures and on the set (sizes,)."""

    title: str
    hue: str
    pictures: NDArray[np.int64]
    new: NDArray[np.float64]
    known: NDArray[np.float64]


def draw_learning_curves(family: str, curves: Sequence[LearningCurve], guess: float, level: float) -> Figure:
    """Accuracy over the steps: the mean of the seeds, in a band from worst to best; the level reached is marked."""
    figure, axis = new_figure(height=4.8)
    family, told = from_lesson(family), []
    for index, curve in enumerate(curves):
        title = from_lesson(curve.title)
        mean = curve.accuracy.mean(axis=0)
        verdict = _reached(curve.reached, int(curve.steps[-1]), level)
        style = {"color": curve.hue, "linestyle": DASHES[index % len(DASHES)]}
        axis.plot(
            curve.steps, mean, label=_("{title}:\n{verdict}", title=title, verdict=verdict), linewidth=2.2, **style
        )
        if len(curve.accuracy) > 1:
            low, high = curve.accuracy.min(axis=0), curve.accuracy.max(axis=0)
            axis.fill_between(curve.steps, low, high, color=curve.hue, alpha=0.07, linewidth=0)
            for edge in (low, high):  # where fills of several bands overlap, only their edges keep a hue
                axis.plot(curve.steps, edge, linewidth=0.8, **style)
        if np.isfinite(curve.reached).all():
            axis.plot(curve.reached.mean(), level, MARKS[index % len(MARKS)], color=curve.hue, markersize=9)
        told.append(_("{title}: {verdict}, {end:.2f} at the end", title=title, verdict=verdict, end=mean[-1]))
    _draw_levels(axis, guess, level)
    _name_levels(axis, guess, level)
    axis.set_xlabel(_("steps"))
    axis.set_ylabel(_("accuracy: {family}", family=family))
    figure.legend(loc="outside right center", labelspacing=1.0)
    return describe(
        figure,
        _("Learning of {family}, guessing {guess:.2f}. {told}.", family=family, guess=guess, told="; ".join(told)),
    )


def _reached(steps: NDArray[np.float64], within: int, level: float) -> str:
    """When runs came to a level. steps: (seeds,), NaN where a seed never did; within: how many steps there were."""
    reached = np.isfinite(steps)
    if reached.all():
        return _("{level:.0%} after {steps:,.0f} steps", level=level, steps=steps.mean())
    if reached.any():
        return _(
            "{level:.0%} within {within:,} steps in {reached} of {seeds} seeds",
            level=level,
            within=within,
            reached=reached.sum(),
            seeds=len(steps),
        )
    return _("not {level:.0%} within {within:,} steps", level=level, within=within)


def draw_hunger(family: str, curves: Sequence[HungerCurve], guess: float, level: float) -> Figure:
    """Accuracy over the number of pictures there are to learn from: on new pictures, and on the set itself."""
    figure, (new, known) = new_figure(1, 2, height=4.4, sharey=True)
    family, told = from_lesson(family), []
    for index, curve in enumerate(curves):
        title = from_lesson(curve.title)
        style = {"color": curve.hue, "linestyle": DASHES[index], "marker": MARKS[index], "markersize": 8}
        new.plot(curve.pictures, curve.new, label=title, **style)
        known.plot(curve.pictures, curve.known, **style)
        pairs = zip(curve.pictures, curve.new, curve.known, strict=True)
        sizes = ", ".join(
            _("{count:,} pictures {new:.2f} (set {known:.2f})", count=count, new=a, known=b) for count, a, b in pairs
        )
        told.append(_("{title}: {sizes}", title=title, sizes=sizes))
    for axis, title in ((new, _("on new pictures")), (known, _("on the pictures it learned from"))):
        axis.set_xscale("log", base=2)
        axis.set_xticks(curves[0].pictures, [f"{count:,}" for count in curves[0].pictures])
        axis.set_xlabel(_("pictures in the set"))
        axis.set_title(title)
        _draw_levels(axis, guess, level)
    _name_levels(known, guess, level)
    new.set_ylabel(_("accuracy: {family}", family=family))
    figure.legend(loc="outside upper center", ncols=len(curves))
    return describe(
        figure,
        _("Data hunger in {family}, guessing {guess:.2f}. {told}.", family=family, guess=guess, told="; ".join(told)),
    )


def _draw_levels(axis: Axes, guess: float, level: float) -> None:
    axis.axhline(guess, color=MUTED, linestyle=":", linewidth=1.5)
    axis.axhline(level, color=INK, linestyle=":", linewidth=1.0)
    axis.set_ylim(min(0, guess - 0.2), 1.05)


def _name_levels(axis: Axes, guess: float, level: float) -> None:
    """Name the two lines to the right of the axes, where no curve comes."""
    for height, name in ((guess, _("guessing")), (level, f"{level:.0%}")):
        place = axis.get_yaxis_transform()
        axis.text(1.01, height, name, transform=place, fontsize=11, color=MUTED, ha="left", va="center")
