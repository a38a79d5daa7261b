"""Pictures that ask how far an encoder sees: a white cross asks for the colour of a square some cells away.

A picture is 64 x 64 pixels, 8 x 8 cells of 8 pixels, grey with faint noise. It holds

- one **marker**, a white cross: the token at its cell must name the colour;
- one **square** in one of six colours with a white dot: its colour is the answer;
- one **distractor**, a square with a black dot: seeing *some* colour is not enough.

Both colours are drawn independently and evenly. So the distractor says nothing about the answer, and whoever cannot see
the square cannot beat one in six. Things are 6 pixels wide and stand in the middle of their cell.

A seed gives the same bytes on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.pictures.chance import Chance, Seed
from vlmteach.pictures.look import CELL, COLOURS, GREY, NOISE, RGB

CELLS = 8  # cells along a picture's side
SIDE = CELL * CELLS
MARGIN = 1  # pixels left free around each thing
LONGEST = CELLS - 1  # the largest distance, in cells


class CliffBatch(NamedTuple):
    """Pictures and what was drawn in them.

    pictures: (B, 3, 64, 64), float32 in [0, 1].
    marker, square, distractor: (B, 2), the (row, column) of a cell, int64.
    colour, distractor_colour: (B,), index into COLOURS, int64; `colour` is the answer.
    """

    pictures: Tensor
    marker: Tensor
    square: Tensor
    distractor: Tensor
    colour: Tensor
    distractor_colour: Tensor

    @property
    def offset(self) -> Tensor:
        """(B, 2): cells (down, right) from the marker to the square."""
        return self.square - self.marker

    @property
    def distance(self) -> Tensor:
        """(B,): the longer leg of the offset (Chebyshev distance), 1 to 7 cells."""
        return self.offset.abs().amax(dim=1)

    @property
    def marker_token(self) -> Tensor:
        """(B,): the place of the marker's cell in the row-major order of tokens."""
        return self.marker[:, 0] * CELLS + self.marker[:, 1]


def cliff_batch(count: int, seed: Seed) -> CliffBatch:
    """Random pictures: each distance equally often, each offset of a distance equally often, then any place that fits.

    seed: a number, or several that name a stream, for instance (seed, step).
    Raises ValueError unless count is at least 1 and the seeds are not negative.
    """
    return cliff_pictures(_random_offsets(count, seed), seed)


def cliff_pictures(offsets: NDArray[np.int64], seed: Seed) -> CliffBatch:
    """One picture for each offset (down, right) from the marker to the square, the rest at random.

    offsets: (B, 2) whole numbers from -7 to 7, not both zero.
    Raises ValueError when an offset is not of that kind.
    """
    chance = Chance(seed, stream=1)
    layout = _random_layout(_checked(offsets), chance)
    count = len(layout.colour)
    pixels = chance.bytes((count, 3, CELLS, CELL, CELLS, CELL)) % NOISE + np.uint8(GREY - NOISE // 2)
    white, black = np.full((count, 3), 255, dtype=np.uint8), np.zeros((count, 3), dtype=np.uint8)
    _stamp(pixels, layout.marker, _CROSS, white)
    _stamp(pixels, layout.square, _BLOCK, RGB[layout.colour])
    _stamp(pixels, layout.square, _DOT, white)
    _stamp(pixels, layout.distractor, _BLOCK, RGB[layout.distractor_colour])
    _stamp(pixels, layout.distractor, _DOT, black)
    pictures = torch.from_numpy(pixels.reshape(count, 3, SIDE, SIDE)).float().div_(255)
    return CliffBatch(pictures, *map(torch.from_numpy, layout))


def every_offset(times: int = 1) -> NDArray[np.int64]:
    """The 224 offsets (down, right) that fit into a picture, nearest first, each `times` in a row: (224 * times, 2).

    For a test set that is the same for near and far. Raises ValueError unless times is at least 1.
    """
    if times < 1:
        raise ValueError(f"times is {times}; expected 1 or more pictures of each offset.")
    return np.repeat(_OFFSETS, times, axis=0)


class _Layout(NamedTuple):
    """Where things stand and their colours: the fields of CliffBatch without the pictures."""

    marker: NDArray[np.int64]
    square: NDArray[np.int64]
    distractor: NDArray[np.int64]
    colour: NDArray[np.int64]
    distractor_colour: NDArray[np.int64]


def _random_offsets(count: int, seed: Seed) -> NDArray[np.int64]:
    """Each distance equally often, and within it each of its 8 * distance offsets."""
    if count < 1:
        raise ValueError(f"count is {count}; expected at least one picture.")
    chance = Chance(seed, stream=0)
    distance = 1 + chance.below(np.full(count, LONGEST))
    nearer = 4 * distance * (distance - 1)  # how many offsets are nearer: 8 + 16 + ...
    return _OFFSETS[nearer + chance.below(8 * distance)]


def _random_layout(offsets: NDArray[np.int64], chance: Chance) -> _Layout:
    # the marker goes where the square still fits: rows max(0, -dy) to 7 - max(0, dy), columns alike
    marker = np.maximum(0, -offsets) + chance.below(CELLS - np.abs(offsets))
    square = marker + offsets
    taken = np.stack([marker, square]) @ np.array([CELLS, 1])
    distractor = np.stack(np.divmod(chance.others(taken, CELLS * CELLS), CELLS), axis=1)
    colour, distractor_colour = chance.below(np.full((2, len(offsets)), len(COLOURS)))
    return _Layout(marker, square, distractor, colour, distractor_colour)


def _checked(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    offsets = np.asarray(offsets)
    if offsets.ndim != 2 or offsets.shape[1] != 2 or not len(offsets) or offsets.dtype.kind not in "iu":
        raise ValueError(
            f"offsets has shape {offsets.shape} and type {offsets.dtype}; expected whole numbers of shape (B, 2): "
            "one (down, right) for each picture."
        )
    distance = np.abs(offsets).max(axis=1)
    if distance.min() < 1 or distance.max() > LONGEST:
        wrong = offsets[(distance < 1) | (distance > LONGEST)][0].tolist()
        raise ValueError(
            f"an offset is {wrong}; expected steps from -{LONGEST} to {LONGEST}, not both zero: the square must stand "
            "in another cell of the same picture."
        )
    return offsets.astype(np.int64)


def _stamp(
    pixels: NDArray[np.uint8], cells: NDArray[np.int64], shape: NDArray[np.bool_], rgb: NDArray[np.uint8]
) -> None:
    """Paint a shape (8, 8) into one cell of each picture (B, 3, rows, 8, columns, 8), in place."""
    picture = np.arange(len(cells))
    inside = pixels[picture, :, cells[:, 0], :, cells[:, 1], :]
    pixels[picture, :, cells[:, 0], :, cells[:, 1], :] = np.where(shape, rgb[:, :, None, None], inside)


def _box(top: int, left: int, bottom: int, right: int) -> NDArray[np.bool_]:
    shape = np.zeros((CELL, CELL), dtype=np.bool_)
    shape[top:bottom, left:right] = True
    return shape


_BLOCK = _box(MARGIN, MARGIN, CELL - MARGIN, CELL - MARGIN)
_DOT = _box(3, 3, 5, 5)
_CROSS = _box(3, MARGIN, 5, CELL - MARGIN) | _box(MARGIN, 3, CELL - MARGIN, 5)


def _offsets_by_distance() -> NDArray[np.int64]:
    steps = np.arange(-LONGEST, LONGEST + 1)
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    distance = np.abs(offsets).max(axis=1)
    order = np.argsort(distance, kind="stable")
    return offsets[order][1:].astype(np.int64)  # the first is (0, 0)


_OFFSETS = _offsets_by_distance()
