"""Windowed attention in the cliff's game as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.games.results import GameResults
from vlmteach.experiments.intervals import Mean
from vlmteach.experiments.recording import RESULTS, read_results
from vlmteach.experiments.windows.encoders import WINDOWED_ENCODERS
from vlmteach.pictures.cliff import CELLS, LONGEST

_CELLS = np.stack(np.divmod(np.arange(CELLS**2), CELLS), axis=1)
DISTANCE = np.abs(_CELLS[:, None] - _CELLS).max(axis=-1)  # (64, 64), the longer leg from the marker to the square


@dataclass(frozen=True)
class WindowResults(GameResults):
    """What was recorded; a kind of test picture is a pair of cells, [marker, square], row by row."""

    def seen(self, name: str) -> NDArray[np.bool_]:
        """(64, 64), [marker, square]: whether anything of the square can come to the marker's token, by the masks."""
        self._encoder(name)
        return WINDOWED_ENCODERS[name].reach.numpy()

    def share_seen(self, name: str) -> float:
        """The share of all pairs of two cells whose square can come to the marker."""
        return float(self.seen(name)[DISTANCE > 0].mean())

    def among(self, name: str, *, seen: bool) -> Mean:
        """The share of right answers where the masks let the square's colour come to the marker, or where they do not.

        Raises ValueError where there is no such pair.
        """
        pairs = (self.seen(name) == seen) & (DISTANCE > 0)
        if not pairs.any():
            raise ValueError(f"{self.title(name)}: the marker sees every cell; there is none that it does not.")
        return self.share(name, pairs.flatten())

    def accuracy_by_distance(self, name: str) -> NDArray[np.float64]:
        """(seeds, 7): at distance 1 … 7, every pair of cells counting by its test pictures."""
        rings = [(distance == DISTANCE).flatten() for distance in range(1, LONGEST + 1)]
        right = self.right(name)
        return np.stack([right[:, ring].sum(axis=1) / self.asked[ring].sum() for ring in rings], axis=1)

    def board(self, name: str, marker: tuple[int, int]) -> NDArray[np.float64]:
        """(8, 8): accuracy by the square's cell for a marker (row, column), all seeds together.

        NaN where nothing was tested: at the marker itself, and by chance at a few other pairs of cells.
        """
        place = CELLS * marker[0] + marker[1]
        row = slice(CELLS**2 * place, CELLS**2 * (place + 1))
        right, asked = self.right(name)[:, row].sum(axis=0), len(self.runs(name)) * self.asked[row]
        return np.where(asked > 0, right / np.maximum(asked, 1), np.nan).reshape(CELLS, CELLS)


def load_results(folder: Path = RESULTS) -> WindowResults:
    """Recorded windowed attention. Raises FileNotFoundError when there is none."""
    return WindowResults(read_results("windows", folder))
