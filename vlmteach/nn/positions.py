"""Positions: attention itself cannot tell where a token is, so its position must be added to it.

Four ways: a learned table, fixed sines and cosines, the same computed from any boxes, and rotation of queries and keys.
Sources: 1706.03762 (sines), 2010.11929 (learned table), 2104.09864 (rotation), 2111.06377 (2-D sines in MAE).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.nn.checks import check_places, check_shape, check_split, check_unit_boxes

BASE = 10000.0  # the slowest wave turns once in about 2π * BASE cells


def grid_coordinates(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Row and column of each cell, read row by row: two tensors (H*W,) of floats 0, 1, 2, …"""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return rows.flatten().float(), columns.flatten().float()


@torch.fx.wrap  # one step of a traced graph, as grid_boxes is
def sincos_positions(height: int, width: int, dim: int) -> Tensor:
    """Fixed 2-D positions: sines and cosines along the rows and along the columns, slower and slower.

    Returns (H*W, dim), float32, channels in timm's order [sin y, sin x, cos y, cos x], each dim/4 wide
    (MAE's order is [sin x, cos x, sin y, cos y]: the same numbers in another order).
    Raises ValueError unless dim is a multiple of 4.
    """
    rows, columns = grid_coordinates(height, width)
    return _waves(rows, columns, dim)


def box_positions(boxes: Tensor, dim: int, height: int = 16, width: int = 16) -> Tensor:
    """The same waves at the centre of any box: one code for one place, whatever encoder the token came from.

    boxes: (..., 4), (top, left, bottom, right) in [0, 1], as in VisualTokens. Returns (..., dim) in boxes' dtype.
    A place is measured in cells of a height × width grid laid over the picture, from the centre of the first cell:
    y = height * (top + bottom) / 2 - 1/2, x = width * (left + right) / 2 - 1/2. So box_positions(grid_boxes(B, H, W),
    dim, H, W) equals sincos_positions(H, W, dim). Leave height and width alone when encoders are compared: then equal
    places get equal codes. The size of a box plays no part: a box of the whole picture has the code of its centre.
    Raises ValueError unless boxes are floats in [0, 1] and dim is a multiple of 4.
    """
    check_unit_boxes(boxes)
    return waves_at(boxes, dim, height, width)


def waves_at(boxes: Tensor, dim: int, height: int = 16, width: int = 16) -> Tensor:
    """box_positions without the check, for boxes that an encoder made."""
    top, left, bottom, right = _wide(boxes).unbind(dim=-1)
    return _waves(height * (top + bottom) / 2 - 0.5, width * (left + right) / 2 - 0.5, dim).to(boxes.dtype)


def resample_positions(
    positions: Tensor, old_size: tuple[int, int], new_size: tuple[int, int], num_prefix_tokens: int = 0
) -> Tensor:
    """Resize a table of positions to another grid, as one resizes a small picture: bicubic, with antialias.

    positions: (1, P + H*W, D) for old_size = (H, W), P = num_prefix_tokens. Returns (1, P + H'*W', D) for new_size =
    (H', W'). The first P rows belong to tokens without a place and stay as they are.
    Raises ValueError when the table does not have as many rows as old_size says.
    """
    height, width = old_size
    hint = f"{num_prefix_tokens} prefix tokens and {height} x {width} places: give the grid of this table."
    check_shape("positions", positions, 1, num_prefix_tokens + height * width, "D", hint=hint)
    if tuple(new_size) == tuple(old_size):
        return positions
    kept, table = positions[:, :num_prefix_tokens], positions[:, num_prefix_tokens:]
    grid = _wide(table).transpose(1, 2).unflatten(2, old_size)
    grid = F.interpolate(grid, size=tuple(new_size), mode="bicubic", antialias=True)
    return torch.cat([kept, grid.flatten(2).transpose(1, 2).to(table.dtype)], dim=1)


class LearnedPositions(nn.Module):
    """A learned table with one row for each place of a grid, the same for every picture.

    height and width of the grid in cells, dim D. The table is (1, H*W, D).
    """

    def __init__(self, height: int, width: int, dim: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        self.table = nn.Parameter(torch.randn(1, height * width, dim) * 0.02)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """Add their positions to tokens (B, H*W, D). Raises ValueError for a grid of another size than the table's."""
        check_places(height, width, (self.height, self.width))
        return tokens + self.table

    @torch.no_grad()
    def resample(self, height: int, width: int) -> None:
        """Resize the table to another grid. It becomes a new parameter: create the optimiser after this."""
        table = resample_positions(self.table, (self.height, self.width), (height, width))
        self.table = nn.Parameter(table, requires_grad=self.table.requires_grad)
        self.height, self.width = height, width


class SinCosPositions(nn.Module):
    """sincos_positions, added to the tokens of a grid of any size; nothing is learned.

    Raises ValueError unless dim is a multiple of 4.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        check_split(dim, 4, "waves")
        self.dim = dim

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """Add their positions to tokens (B, H*W, D)."""
        return tokens + sincos_positions(height, width, self.dim).to(tokens)


class Rope2d(nn.Module):
    """Rotary positions: rotate pairs of channels of a query or key by an angle that grows with the position.

    Of each head, the first half is rotated by the row and the second half by the column. The product of two rotated
    vectors depends only on the difference of their angles, so attention scores depend only on (Δrow, Δcolumn).
    Values are not rotated. head_dim: width d of a head. Raises ValueError unless it is a multiple of 4.
    """

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        check_split(head_dim, 4, "waves")
        self.head_dim = head_dim

    def forward(self, heads: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Heads (..., N, d) with rows (N,) and columns (N,), as from grid_coordinates -> (..., N, d)."""
        speeds = _speeds(self.head_dim // 4, like=_wide(heads))
        angles = torch.cat([rows.to(speeds)[:, None] * speeds, columns.to(speeds)[:, None] * speeds], dim=-1)
        cos, sin = angles.cos().to(heads), angles.sin().to(heads)
        first, second = heads.unflatten(-1, (-1, 2)).unbind(dim=-1)
        return torch.stack([first * cos - second * sin, second * cos + first * sin], dim=-1).flatten(-2)


def _waves(rows: Tensor, columns: Tensor, dim: int) -> Tensor:
    """(...,) and (...,) -> (..., dim): [sin y, sin x, cos y, cos x] at dim/4 speeds."""
    check_split(dim, 4, "waves")
    speeds = _speeds(dim // 4, like=rows)
    y, x = rows[..., None] * speeds, columns[..., None] * speeds
    return torch.cat([y.sin(), x.sin(), y.cos(), x.cos()], dim=-1)


def _speeds(count: int, like: Tensor) -> Tensor:
    """Radians per cell for each wave: 1 down to almost 1 / BASE, evenly spaced in their logarithms."""
    return 1.0 / BASE ** (torch.arange(count, device=like.device, dtype=like.dtype) / count)


def _wide(tensor: Tensor) -> Tensor:
    """In float32 or better: half precision is too coarse to compute positions in."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
