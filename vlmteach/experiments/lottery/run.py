"""One run of the ladder lottery, tested at every length of the way."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from vlmteach.experiments.games.run import Case, Game, play
from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.lottery.readers import build_reader
from vlmteach.experiments.result import Result
from vlmteach.pictures.chance import Chance, Seed
from vlmteach.pictures.cliff import LONGEST, CliffBatch
from vlmteach.pictures.lottery import lottery_pictures

PER_LENGTH = 800  # test pictures of each length
# Short ways are drawn more often: a longer one is learned when the shorter ones are known. Of 44 pictures, how many.
DRAWN = np.repeat(np.arange(1, LONGEST + 1), [12, 10, 8, 6, 4, 2, 2])
_CHUNK = 200


def learning_batch(count: int, seed: Seed) -> CliffBatch:
    """Pictures to learn from, short ways more often than long ones."""
    return lottery_pictures(DRAWN[Chance(seed, stream=0).numbers(len(DRAWN), count)], seed)


def length(batch: CliffBatch) -> Tensor:
    """(B,): steps of the way, 1 to 7."""
    return batch.distance


def _tests() -> Iterator[CliffBatch]:
    lengths = np.arange(1, LONGEST + 1).repeat(PER_LENGTH)
    for start in range(0, len(lengths), _CHUNK):
        yield lottery_pictures(lengths[start : start + _CHUNK], (TEST_SEED, start))


GAME = Game(build_reader, learning_batch, _tests, length, LONGEST + 1)


def run_case(case: Case) -> Result:
    """Train and test one reader with one seed. Errors as in play."""
    return play(GAME, case)
