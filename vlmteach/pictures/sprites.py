"""Draw a board of 8 x 8 cells from a table of small pictures, one for each kind of cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.pictures.chance import Chance
from vlmteach.pictures.look import CELL, GREY, NOISE


class Sprites(NamedTuple):
    """What each kind of cell looks like. rgb: (K, 3, 8, 8), uint8; solid: (K, 8, 8), where noise does not show."""

    rgb: NDArray[np.uint8]
    solid: NDArray[np.bool_]


Layer = tuple[NDArray[np.bool_], tuple[int, int, int]]  # a shape (8, 8) in a colour


def sprite_table(kinds: Sequence[Sequence[Layer]]) -> Sprites:
    """Each kind of cell as layers, the lowest first; the empty cell has none."""
    rgb = np.zeros((len(kinds), CELL, CELL, 3), dtype=np.uint8)
    solid = np.zeros((len(kinds), CELL, CELL), dtype=np.bool_)
    for kind, layers in enumerate(kinds):
        for shape, colour in layers:
            rgb[kind, shape] = colour
            solid[kind] |= shape
    return Sprites(rgb.transpose(0, 3, 1, 2), solid)


def box(top: int, left: int, bottom: int, right: int) -> NDArray[np.bool_]:
    """A rectangle in a cell, half-open: (8, 8), bool."""
    shape = np.zeros((CELL, CELL), dtype=np.bool_)
    shape[top:bottom, left:right] = True
    return shape


def draw_board(kinds: NDArray[np.int64], sprites: Sprites, chance: Chance) -> Tensor:
    """Kinds (B, rows, columns) -> pictures (B, 3, 8 * rows, 8 * columns), float32 in [0, 1], grey with faint noise."""
    count, rows, columns = kinds.shape
    noise = chance.bytes((count, rows, columns, 3, CELL, CELL)) % NOISE + np.uint8(GREY - NOISE // 2)
    pixels = np.where(sprites.solid[kinds][:, :, :, None], sprites.rgb[kinds], noise)
    pixels = pixels.transpose(0, 3, 1, 4, 2, 5).reshape(count, 3, CELL * rows, CELL * columns)
    return torch.from_numpy(np.ascontiguousarray(pixels)).float().div_(255)
