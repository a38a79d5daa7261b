"""A ladder lottery (amidakuji): follow a line to its end, cross over at every rung, and name the colour there.

A picture is 24 x 64 pixels, 3 x 8 cells of 8 pixels. Three lines run to the right through seven steps; at a step, a
rung may join two neighbours, and whoever comes along one of them must cross it. In the last column each line ends at a
square in one of six colours, drawn independently. One cell is marked: there a line is to be followed, and the colour at
its end is the answer.

A cell shows nothing but a line, with or without half of a rung. None of them tells the answer, and every one on the way
matters: take one rung of the way out, and it ends at another square.

A seed gives the same bytes on every machine.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vlmteach.pictures.chance import Chance, Seed
from vlmteach.pictures.cliff import CELLS, LONGEST, CliffBatch
from vlmteach.pictures.look import CELL, COLOURS, RGB
from vlmteach.pictures.sprites import box, draw_board, sprite_table

LINES = 3
STEPS = CELLS - 1
_WHITE, _LIGHT = (255, 255, 255), (190, 190, 190)
_LINE = box(3, 0, 5, CELL)
_PIECES = (_LINE, _LINE | box(4, 3, CELL, 5), _LINE | box(0, 3, 4, 5))  # straight on, one line down, one line up
_BLOCK = box(1, 1, CELL - 1, CELL - 1)
_SPRITES = sprite_table(
    [
        [],
        *([(piece, _LIGHT)] for piece in _PIECES),
        *([(piece, _WHITE)] for piece in _PIECES),
        *([(_BLOCK, tuple(rgb))] for rgb in RGB.tolist()),
    ]
)
_MARKED, _PRIZE = 1 + len(_PIECES), 1 + 2 * len(_PIECES)


def lottery_batch(count: int, seed: Seed) -> CliffBatch:
    """Random lotteries: each length of the way, 1 to 7 steps, equally often."""
    return lottery_pictures(1 + Chance(seed, stream=0).numbers(LONGEST, count), seed)


def lottery_pictures(lengths: NDArray[np.int64], seed: Seed) -> CliffBatch:
    """One lottery for each length of the way (B,), 1 to 7 steps, the rest at random.

    At each step the three lines are left alone, or two neighbours are joined by a rung, each of the three as often.
    In the batch, `marker` is the marked cell, `square` the one where its line ends, `distractor` the one at the end of
    the marker's row; the two may be the same. `distance` is the length of the way. Raises ValueError for other lengths.
    """
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or not ((lengths >= 1) & (lengths <= LONGEST)).all():
        raise ValueError(f"lengths has shape {lengths.shape}; expected (B,) whole numbers from 1 to {LONGEST}.")
    chance = Chance(seed, stream=1)
    count, each = len(lengths), np.arange(len(lengths))
    moves = np.array([(0, 0, 0), (1, -1, 0), (0, 1, -1)])[chance.numbers(LINES, (count, STEPS))]  # (B, 7, 3)
    start = chance.numbers(LINES, count)
    line = start
    for step in range(STEPS):
        line = np.where(step >= STEPS - lengths, line + moves[each, step, line], line)
    prizes = chance.numbers(len(COLOURS), (count, LINES))
    kinds = np.concatenate([1 + moves % len(_PIECES), _PRIZE + prizes[:, None]], axis=1).swapaxes(1, 2)
    kinds[each, start, STEPS - lengths] += _MARKED - 1
    last = np.full(count, STEPS)
    marker, square, below = (np.stack(cell, axis=1) for cell in ((start, STEPS - lengths), (line, last), (start, last)))
    batch = marker, square, below, prizes[each, line], prizes[each, start]
    return CliffBatch(draw_board(kinds, _SPRITES, chance), *map(torch.from_numpy, batch))
