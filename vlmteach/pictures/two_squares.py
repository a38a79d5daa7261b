"""Two dotted squares, and the marker says which: the cliff's game, with a relation in it.

A picture is 64 x 64 pixels, 8 x 8 cells of 8 pixels, grey with faint noise. It holds

- one **marker**, a white arrow that points up or down: the token at its cell must name a colour;
- two **squares** with a white dot, each in one of six colours: one stands higher than the marker, the other lower.

The answer is the colour of the square on the side to which the arrow points. The squares look alike, and the colours
are drawn independently and evenly. So it is not enough that a colour arrives: what counts is how its square lies to the
marker. Whoever knows both colours and not which is right 7 times in 12; whoever sees only the other one, once in six.

A seed gives the same bytes on every machine.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from vlmteach.pictures.chance import Chance, Seed
from vlmteach.pictures.cliff import CELLS, LONGEST, MARGIN, CliffBatch
from vlmteach.pictures.look import CELL, COLOURS, RGB
from vlmteach.pictures.sprites import box, draw_board, sprite_table

KNOWS_BOTH = (1 + 1 / len(COLOURS)) / 2  # how often one is right who knows both colours and not which
_WHITE = (255, 255, 255)
_UP, _DOWN, _SQUARE = 1, 2, 3  # kinds of cells; the squares' six colours follow each other
_ARROW = box(1, 3, 3, 5) | box(3, 2, 5, 6) | box(5, 1, 7, 7)  # its point is up
_BLOCK = box(MARGIN, MARGIN, CELL - MARGIN, CELL - MARGIN)
_SPRITES = sprite_table(
    [
        [],
        [(_ARROW, _WHITE)],
        [(_ARROW[::-1], _WHITE)],
        *([(_BLOCK, tuple(rgb)), (box(3, 3, 5, 5), _WHITE)] for rgb in RGB.tolist()),
    ]
)


def two_squares_batch(count: int, seed: Seed) -> CliffBatch:
    """Random pictures: each distance of the square that is asked for equally often, and each of the other."""
    chance = Chance(seed, stream=0)
    return two_squares_pictures(1 + chance.numbers(LONGEST, (count, 2)), seed)


def two_squares_pictures(distances: NDArray[np.int64], seed: Seed) -> CliffBatch:
    """One picture for each two distances in cells, 1 to 7: (B, 2), of the square that is asked for and of the other.

    A distance is the longer leg of the way. Every placement of marker and squares with these distances is equally
    likely. In the batch, `square` is the one that is asked for and `distractor` the other one.
    Raises ValueError for distances of another kind.
    """
    distances = np.asarray(distances)
    if distances.ndim != 2 or distances.shape[1] != 2 or not ((distances >= 1) & (distances <= LONGEST)).all():
        raise ValueError(f"distances has shape {distances.shape}; expected (B, 2) whole numbers from 1 to {LONGEST}.")
    chance = Chance(seed, stream=1)
    count, each = len(distances), np.arange(len(distances))
    up = chance.numbers(2, count)
    above, below = np.where(up[:, None], distances, distances[:, ::-1]).T
    first, many = _FIRST[above, below], _MANY[above, below]
    marker, higher, lower = _PLACEMENTS[first + chance.below(many)].swapaxes(0, 1)
    square, other = np.where(up[:, None], higher, lower), np.where(up[:, None], lower, higher)
    colour, other_colour = chance.numbers(len(COLOURS), (2, count))
    kinds = np.zeros((count, CELLS, CELLS), dtype=np.int64)
    kinds[each, marker[:, 0], marker[:, 1]] = np.where(up, _UP, _DOWN)
    kinds[each, square[:, 0], square[:, 1]] = _SQUARE + colour
    kinds[each, other[:, 0], other[:, 1]] = _SQUARE + other_colour
    batch = marker, square, other, colour, other_colour
    return CliffBatch(draw_board(kinds, _SPRITES, chance), *map(torch.from_numpy, batch))


def _placements() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Every placement as (row, column) of marker, higher and lower square, sorted by the two distances.

    Returns them (P, 3, 2), and for each two distances the first one and how many there are: (8, 8).
    """
    cells = np.array(list(product(range(CELLS), repeat=2)))
    way = cells - cells[:, None]  # [marker, square]
    far = np.abs(way).max(axis=-1)
    marker, higher, lower = np.nonzero((way[:, :, 0] < 0)[:, :, None] & (way[:, :, 0] > 0)[:, None, :])
    pair = CELLS * far[marker, higher] + far[marker, lower]
    order = np.argsort(pair, kind="stable")
    many = np.bincount(pair, minlength=CELLS**2)
    placements = np.stack([cells[marker], cells[higher], cells[lower]], axis=1)[order]
    return placements, (many.cumsum() - many).reshape(CELLS, CELLS), many.reshape(CELLS, CELLS)


_PLACEMENTS, _FIRST, _MANY = _placements()
