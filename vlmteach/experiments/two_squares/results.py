"""The game with two squares as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.games.results import GameResults
from vlmteach.experiments.intervals import Mean
from vlmteach.experiments.recording import RESULTS, read_results
from vlmteach.pictures.cliff import LONGEST


@dataclass(frozen=True)
class TwoSquaresResults(GameResults):
    """What was recorded; the kinds of test pictures are those of run.kind."""

    def accuracy_by_distance(self, name: str) -> NDArray[np.float64]:
        """(seeds, 7): at distance 1 … 7 of the square that is asked for, where no two things meet in a 3 x 3 window.

        NaN where they always do.
        """
        right, asked = self.right(name)[:, 3::2], self.asked[3::2]
        return np.where(asked > 0, right / np.maximum(asked, 1), np.nan)

    def apart(self, name: str, nearest: int = 1, farthest: int = LONGEST) -> Mean:
        """The share of right answers in those pictures, where the square asked for is so many cells away."""
        distance, alone = np.divmod(np.arange(len(self.asked)), 2)
        return self.share(name, (alone == 1) & (nearest <= distance) & (distance <= farthest))

    def seeds(self, name: str) -> NDArray[np.float64]:
        """(seeds,): the same share for each seed, at all distances."""
        return self.right(name)[:, 1::2].sum(axis=1) / self.asked[1::2].sum()

    def everywhere(self, name: str) -> Mean:
        """The share of right answers in all test pictures, those with neighbours among the things as well."""
        return self.share(name, self.asked > 0)


def load_results(folder: Path = RESULTS) -> TwoSquaresResults:
    """The recorded game with two squares. Raises FileNotFoundError when there is none."""
    return TwoSquaresResults(read_results("two_squares", folder))
