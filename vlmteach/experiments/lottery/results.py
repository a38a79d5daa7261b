"""The ladder lottery as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.games.results import GameResults
from vlmteach.experiments.intervals import Mean
from vlmteach.experiments.recording import RESULTS, read_results
from vlmteach.pictures.cliff import LONGEST
from vlmteach.pictures.look import COLOURS


@dataclass(frozen=True)
class LotteryResults(GameResults):
    """What was recorded; a kind of test picture is the length of its way, in steps."""

    def accuracy_by_length(self, name: str) -> NDArray[np.float64]:
        """(seeds, 7): at length 1 … 7."""
        return self.right(name)[:, 1:] / self.asked[1:]

    def at(self, name: str, length: int) -> Mean:
        """The share of right answers at one length."""
        return self.share(name, np.arange(len(self.asked)) == length)


def guess_by_length() -> NDArray[np.float64]:
    """(7,): how often one is right at length 1 … 7 who follows no line and names the colour of the likeliest end."""
    step = np.array([[2, 1, 0], [1, 1, 1], [0, 1, 2]]) / 3  # a line is left alone, or joined with a neighbour
    likeliest = np.array([np.linalg.matrix_power(step, length).max(axis=1).mean() for length in range(1, LONGEST + 1)])
    return likeliest + (1 - likeliest) / len(COLOURS)


def load_results(folder: Path = RESULTS) -> LotteryResults:
    """The recorded ladder lottery. Raises FileNotFoundError when there is none."""
    return LotteryResults(read_results("lottery", folder))
