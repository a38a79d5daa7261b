"""The recorded experiments that the course quotes, and how their numbers read in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmteach.course.counter_evidence import Published, load_published
from vlmteach.experiments import LEVEL, cliff, cost, frozen, hunger, lottery, matrix, two_squares, windows
from vlmteach.experiments.intervals import NORMAL, Mean
from vlmteach.experiments.recording import RESULTS
from vlmteach.language import _


@dataclass(frozen=True)
class Records:
    """The recorded experiments, and what others have published."""

    cliff: cliff.CliffResults
    matrix: matrix.MatrixResults
    hunger: hunger.HungerResults
    cost: cost.CostResults
    frozen: frozen.FrozenResults
    windows: windows.WindowResults
    two_squares: two_squares.TwoSquaresResults
    lottery: lottery.LotteryResults
    published: tuple[Published, ...]

    def tower(self, model: str, data: str) -> Published:
        """A published image tower. Raises ValueError, naming those there are, for one that is not in the table."""
        for entry in self.published:
            if (entry.model, entry.data) == (model, data):
                return entry
        known = "; ".join(f"{entry.model}, {entry.data}" for entry in self.published)
        raise ValueError(f"no {model} trained on {data} was published there; expected one of: {known}.")


def load_records(folder: Path = RESULTS) -> Records:
    """All records of a folder. Raises FileNotFoundError when one is missing."""
    return Records(
        cliff.load_results(folder),
        matrix.load_results(folder),
        hunger.load_results(folder),
        cost.load_results(folder),
        frozen.load_results(folder),
        windows.load_results(folder),
        two_squares.load_results(folder),
        lottery.load_results(folder),
        load_published(),
    )


def seeds_in_words(accuracy: NDArray[np.float64]) -> str:
    """An accuracy with the seeds behind it. accuracy: (seeds,).

    "0.88 (seeds 0.72, 0.92, 1.00)", "1.00 (3 seeds)" where all round to the same, "0.93 (one seed)".
    """
    mean, each = f"{accuracy.mean():.2f}", [f"{value:.2f}" for value in accuracy]
    if len(each) == 1:
        return _("{mean} (one seed)", mean=mean)
    if len(set(each)) == 1:
        return _("{mean} ({count} seeds)", mean=mean, count=len(each))
    return _("{mean} (seeds {each})", mean=mean, each=", ".join(each))


def steps_in_words(steps: NDArray[np.float64], within: int) -> str:
    """When each seed came to the level of "can answer". steps: (seeds,), NaN: never; within: how many steps there were.

    "steps to 95%, of 2,000: 600, 850, 350", "steps to 95%, of 2,000: 350, never", "not 95% within 4,000 steps".
    """
    if np.isnan(steps).all():
        return _("not {level:.0%} within {within:,} steps", level=LEVEL, within=within)
    each = ", ".join(_("never") if np.isnan(step) else f"{step:,.0f}" for step in steps)
    return _("steps to {level:.0%}, of {within:,}: {each}", level=LEVEL, each=each, within=within)


def share_in_words(hits: int, count: int) -> str:
    """A share with its 95 % interval (Wilson's, which holds near 0 and 1 as well): "0.02 (0.01 to 0.04)".

    hits of count, counted as if each case were independent. Raises ValueError unless 0 <= hits <= count and count >= 1.
    """
    hits, count = int(hits), int(count)
    if not 0 <= hits <= count or not count:
        raise ValueError(f"there are {hits} hits among {count} cases; expected 0 to {count} among at least one.")
    share, unit = hits / count, NORMAL**2 / count
    middle = (share + unit / 2) / (1 + unit)
    half = (unit * share * (1 - share) + unit**2 / 4) ** 0.5 / (1 + unit)
    return _("{share:.2f} ({low:.2f} to {high:.2f})", share=share, low=middle - half, high=middle + half)


def interval_in_words(results: frozen.FrozenResults, encoder: str, connector: str, family: str) -> str:
    """The mean of a cell's seeds in one family with half of its 95 % interval: "0.97 ± 0.02"."""
    number = results.index(family)
    mean, half = results.accuracy(encoder, connector)[:, number].mean(), results.margins(encoder, connector)[number]
    return str(Mean(mean, half))
