"""Draw scenes: shapes with soft edges on a grey board, many pictures at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.pictures.chance import Chance, Seed
from vlmteach.pictures.look import CELL, GREY, NOISE, RGB
from vlmteach.pictures.scenes.sampling import SHAPES, SIZES, Scenes

_FULL = 16  # how finely a pixel can be covered
_MARK = 40  # how much darker a mark of clutter is than the board
_MOST_CLUTTER = (GREY - NOISE // 2) // _MARK


def draw_scenes(scenes: Scenes, *, noise: Seed | None = None, clutter: int = 0) -> Tensor:
    """Pictures (B, 3, 8 * cells, 8 * cells) of scenes, float32 in [0, 1].

    noise: a seed for faint noise and for the places of clutter; None draws an empty, constant background, on which
    a convolution without borders sees nothing but the things. clutter: dark marks behind the things, 0 to 2.
    Raises ValueError for clutter without a seed, and for another number of marks.
    """
    if not 0 <= clutter <= _MOST_CLUTTER:
        raise ValueError(
            f"clutter is {clutter}; expected 0 to {_MOST_CLUTTER} marks: "
            "more of them on one cell would be darker than black."
        )
    if clutter and noise is None:
        raise ValueError(f"clutter is {clutter} without a seed; expected noise=<a seed> with it: places are random.")
    count, cells = len(scenes), scenes.cells
    shape = (count, 3, cells, CELL, cells, CELL)
    pixels = np.full(shape, GREY, dtype=np.uint8)
    if noise is not None:
        chance = Chance(noise, stream=12)
        pixels = chance.bytes(shape) % NOISE + np.uint8(GREY - NOISE // 2)
        for _ in range(clutter):
            row, column = chance.numbers(cells, (2, count))
            pixels[np.arange(count), :, row, 2:6, column, 3:5] -= _MARK
    for thing in range(scenes.shape.shape[1]):
        _paint(pixels, scenes, thing)
    return torch.from_numpy(pixels.reshape(count, 3, CELL * cells, CELL * cells)).float().div_(255)


def _paint(pixels: NDArray[np.uint8], scenes: Scenes, thing: int) -> None:
    """Paint one thing of each scene, in place."""
    shape, colour, size = scenes.shape[:, thing], scenes.colour[:, thing], scenes.size[:, thing]
    cover = _covers()[shape, size - SIZES[0], scenes.down[:, thing], scenes.right[:, thing]][:, None].astype(np.uint16)
    cell = np.arange(len(scenes)), slice(None), scenes.row[:, thing], slice(None), scenes.column[:, thing]
    old = pixels[cell]
    new = old * (_FULL - cover) + RGB[colour][:, :, None, None] * cover
    pixels[cell] = ((new + _FULL // 2) // _FULL).astype(np.uint8)


@lru_cache
def _covers() -> NDArray[np.uint8]:
    """How much of each pixel of a cell a thing covers, 0 to 16: [shape, size, down, right, 8, 8]."""
    room = CELL + 1 - SIZES[0]
    covers = np.zeros((len(SHAPES), len(SIZES), room, room, CELL, CELL), dtype=np.uint8)
    for at, size in enumerate(SIZES):
        # the middles of 4 x 4 parts of each pixel, measured from the middle of the thing: -1 to 1
        across = (np.arange(4 * size) + 0.5) / (2 * size) - 1
        v, u = np.meshgrid(across, across, indexing="ij")
        inside = (
            u**2 + v**2 <= 1,
            np.maximum(abs(u), abs(v)) <= 0.9,
            abs(u) <= (v + 1) / 2,
            np.minimum(abs(u), abs(v)) <= 0.35,
        )
        for shape, filled in enumerate(inside):
            cover = filled.reshape(size, 4, size, 4).sum(axis=(1, 3))
            for down in range(CELL + 1 - size):
                for right in range(CELL + 1 - size):
                    covers[shape, at, down, right, down : down + size, right : right + size] = cover
    return covers
