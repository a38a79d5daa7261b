"""From measured maps to what a panel shows: bytes of their peak, shares of squares, and the numbers of the read-out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.probes.distance import weighted_distance
from vlmteach.probes.effective import erf_share
from vlmteach.probes.patchview.heat import Heat

LONGEST_MAP = 64  # entries a side that a page stores: a finer map is averaged for showing, never for measuring

Size = tuple[int, int]


class Units(NamedTuple):
    """The units of a layer that are measured: its grid (rows, columns), and which of its rows and columns."""

    grid: Size
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def nearest_to(cls, cells: Size, grid: Size) -> Units:
        """One unit for each cell of the picture, the one whose own part holds the cell's middle; each unit once."""
        rows, columns = (
            tuple(sorted({int((i + 0.5) * units / count) for i in range(count)}))
            for count, units in zip(cells, grid, strict=True)
        )
        return cls(grid, rows, columns)

    def places(self, map_size: Size) -> Tensor:
        """Middles of the units' own parts of the picture, in entries of a map: (rows, columns, (row, column))."""
        middles = (
            (torch.tensor(measured) + 0.5) * length / units - 0.5  # entry centres lie at whole numbers
            for measured, units, length in zip((self.rows, self.columns), self.grid, map_size, strict=True)
        )
        return torch.stack(torch.meshgrid(*middles, indexing="ij"), dim=-1)


class Reading(NamedTuple):
    """One map of a panel at one layer, ready to be shown. weights is None when there are no squares to read."""

    heat: Heat
    weights: Heat | None
    numbers: Mapping[str, NDArray[np.float32]]  # key of READOUTS -> (rows, columns)


def read_maps(maps: Tensor, units: Units | None, picture: Size, squares: Size) -> Reading:
    """Everything the explorer tells about the maps (rows, columns, h, w) of the measured units of one layer.

    units: None for maps that are asked by words, which have no place and so no distance.

    All numbers are of the map as measured, its share that of the effective field (erf_share): what exceeds 4.55 % of
    the peak. An entry of a coarse map counts with all its pixels.
    """
    entry = picture[0] / maps.shape[-2]  # pixels along an entry's side
    silent = maps.amax(dim=(-2, -1)) == 0  # a unit that nothing moved: all its numbers are 0
    heard = torch.where(silent[..., None, None], 1, maps)
    numbers = {"share": 100 * _of_each(erf_share, heard)}
    if units is not None:
        numbers["distance"] = entry * weighted_distance(heard, units.places((maps.shape[-2], maps.shape[-1])))
    weights = None
    if min(squares) > 0:
        shares = torch.where(silent[..., None, None], 0, shares_of_squares(heard, squares))
        numbers["peak"] = shares.amax(dim=(-2, -1))
        weights = Heat.of(shares)
    tables = {key: as_float32(torch.where(silent, 0, value)) for key, value in numbers.items()}
    return Reading(Heat.of(_for_showing(maps)), weights, tables)


def shares_of_squares(maps: Tensor, squares: Size) -> Tensor:
    """The share of each map's weight that lies in each square: (…, h, w) -> (…, *squares), summing to 1.

    Raises ValueError when the squares do not cut the map evenly.
    """
    height, width = maps.shape[-2:]
    if height % squares[0] or width % squares[1]:
        raise ValueError(
            f"{squares[0]} x {squares[1]} squares do not cut a map of {height} x {width} entries evenly; "
            "choose numbers that divide its sides."
        )
    cut = maps.unflatten(-1, (squares[1], -1)).unflatten(-3, (squares[0], -1))
    sums = cut.sum(dim=(-3, -1))
    return sums / sums.sum(dim=(-2, -1), keepdim=True)


def as_float32(values: Tensor) -> NDArray[np.float32]:
    """A table of the read-out as the page stores it."""
    return values.detach().cpu().numpy().astype(np.float32)


def _of_each(statistic: Callable[[Tensor], float], maps: Tensor) -> Tensor:
    return torch.tensor([[statistic(one) for one in row] for row in maps])


def _for_showing(maps: Tensor) -> Tensor:
    factor = -(-max(maps.shape[-2:]) // LONGEST_MAP)
    return maps if factor == 1 else F.avg_pool2d(maps, factor, ceil_mode=True)
