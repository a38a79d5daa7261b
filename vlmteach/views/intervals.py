"""What several systems reached, kind by kind, each with its interval and beside what a guess reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vlmteach.language import _, from_lesson
from vlmteach.views.style import INK, MARKS, MUTED, PAPER, describe, new_figure

SPREAD = 0.6  # of the room between two kinds that the marks may take


class Reached(NamedTuple):
    """One system. values, margins: (kinds,), a mean and half of its interval. hue: of its marks."""

    name: str
    hue: str
    values: NDArray[np.float64]
    margins: NDArray[np.float64]


def draw_intervals(
    kinds: Sequence[str], systems: Sequence[Reached], guessing: NDArray[np.float64], what: str
) -> Figure:
    """A mark with its interval for every system and kind, and a line where a guess would be.

    kinds: what stands below. guessing: (kinds,). what: the values are, on the axis.
    An interval is cut at 0 and 1; a hollow mark is one whose interval holds the guess.
    """
    kinds, what = [from_lesson(kind) for kind in kinds], from_lesson(what)
    systems = [one._replace(name=from_lesson(one.name)) for one in systems]
    figure, axis = new_figure(height=3.9 + 0.25 * len(systems))  # a line of the legend for each
    places = np.arange(len(kinds))
    axis.hlines(guessing, places - 0.45, places + 0.45, color=MUTED, linestyle="--", linewidth=1.5, label=_("guessing"))
    for number, one in enumerate(systems):
        x = places + SPREAD * ((number + 0.5) / len(systems) - 0.5)
        low, high = (one.values - one.margins).clip(0, 1), (one.values + one.margins).clip(0, 1)
        axis.vlines(x, low, high, color=one.hue, linewidth=2, alpha=0.7)
        guessed = (low <= guessing) & (guessing <= high)
        mark = MARKS[number % len(MARKS)]
        axis.plot(x, one.values, mark, color=one.hue, mec=PAPER, markersize=9, label=one.name)
        axis.plot(x[guessed], one.values[guessed], mark, color=PAPER, mec=one.hue, markersize=8)
    axis.set_xticks(places, kinds)
    axis.set(ylim=(0, 1.03), xlim=(-0.5, len(kinds) - 0.5), ylabel=what)
    axis.grid(axis="y", color=INK, alpha=0.12)
    handles, names = axis.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", fontsize=11)
    told = [_listed(one.name, kinds, [f"{a:.2f} ± {b:.2f}" for a, b in zip(*one[2:], strict=True)]) for one in systems]
    guesses = _listed(_("Guessing"), kinds, [f"{guess:.2f}" for guess in guessing])
    return describe(figure, _("{what}. {told}", what=what.capitalize(), told=" ".join([*told, guesses])))


def _listed(name: str, kinds: Sequence[str], values: Sequence[str]) -> str:
    return _("{name}: {values}.", name=name, values=", ".join(map(" ".join, zip(kinds, values, strict=True))))
