"""One run of the cliff's game for a ViT whose attention is masked, tested on every pair of cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from vlmteach.experiments.games.run import Case, Game, play
from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.result import Result
from vlmteach.experiments.windows.encoders import build_windowed
from vlmteach.pictures.cliff import CELLS, CliffBatch, cliff_batch, cliff_pictures, every_offset

PAIRS = CELLS**4  # (marker, square): the diagonal stays empty, where they would be the same cell
PER_PAIR = 6  # test pictures of each pair, on average; as often for each offset as it fits into the board
_CHUNK = 256


def pair(batch: CliffBatch) -> Tensor:
    """(B,): the marker's and the square's cells as one number, CELLS**2 * marker + square, cells row by row."""
    square = batch.square[:, 0] * CELLS + batch.square[:, 1]
    return CELLS**2 * batch.marker_token + square


def _tests() -> Iterator[CliffBatch]:
    offsets = every_offset()
    fits = (CELLS - np.abs(offsets)).prod(axis=1)  # places of the marker for which the square is on the board
    offsets = np.repeat(offsets, PER_PAIR * fits, axis=0)
    for start in range(0, len(offsets), _CHUNK):
        yield cliff_pictures(offsets[start : start + _CHUNK], (TEST_SEED, start))


GAME = Game(build_windowed, cliff_batch, _tests, pair, PAIRS)


def run_case(case: Case) -> Result:
    """Train and test one encoder with one seed. Errors as in play."""
    return play(GAME, case)
