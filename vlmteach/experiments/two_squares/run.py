"""One run of the game with two squares, tested at every pair of distances."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from vlmteach.experiments.games.run import Case, Game, play
from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.result import Result
from vlmteach.experiments.two_squares.encoders import build_player
from vlmteach.pictures.cliff import CELLS, LONGEST, CliffBatch
from vlmteach.pictures.two_squares import two_squares_batch, two_squares_pictures

PER_PAIR = 120  # test pictures for each two distances, of the square that is asked for and of the other
KINDS = 2 * (LONGEST + 1)
_CHUNK = 256


def kind(batch: CliffBatch) -> Tensor:
    """(B,): twice the distance of the square that is asked for, plus 1 where the three things stand apart."""
    return 2 * batch.distance + apart(batch)


def apart(batch: CliffBatch) -> Tensor:
    """(B,), bool: whether no two of marker and squares meet in a 3 x 3 window, on a board whose borders are joined.

    Then a bag of such windows holds the same for this picture and for the one with both squares exchanged.
    """
    things = (batch.marker, batch.square, batch.distractor)
    ways = torch.stack([(one - other).abs() for one, other in combinations(things, 2)])
    return (torch.minimum(ways, CELLS - ways).amax(dim=-1) >= 3).all(dim=0)


def _tests() -> Iterator[CliffBatch]:
    each = np.arange(1, LONGEST + 1)
    distances = np.stack(np.meshgrid(each, each), axis=-1).reshape(-1, 2).repeat(PER_PAIR, axis=0)
    for start in range(0, len(distances), _CHUNK):
        yield two_squares_pictures(distances[start : start + _CHUNK], (TEST_SEED, start))


GAME = Game(build_player, two_squares_batch, _tests, kind, KINDS)


def run_case(case: Case) -> Result:
    """Train and test one encoder with one seed. Errors as in play."""
    return play(GAME, case)
