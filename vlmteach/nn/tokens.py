"""From pictures and feature maps to tokens, and back: rearrangements in which nothing is learned and nothing is lost.

Each of the four functions with an inverse only moves numbers, so it takes any dtype and passes NaN through unchanged.
Source: An Image is Worth 16x16 Words (2010.11929) for patches; Show, Attend and Tell (1502.03044) for grid tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vlmteach.nn.checks import (
    check_layout,
    check_neighbours,
    check_positive,
    check_shape,
    check_tiling,
)


@dataclass(frozen=True)
class VisualTokens:
    """What every encoder returns and every connector takes.

    tokens: (B, N, D), prefix tokens first.
    boxes:  (B, N, 4), the part of the picture each token stands for: (top, left, bottom, right) in [0, 1].
            A prefix token stands for the whole picture: (0, 0, 1, 1).
    num_prefix_tokens: number of CLS and register tokens in front of those that have a place in the picture.
    grid:   (rows, columns) when those with a place are the cells of one grid, row by row, in every picture of the
            batch; None when they are not.

    Raises ValueError when the four do not fit together.
    """

    tokens: Tensor
    boxes: Tensor
    num_prefix_tokens: int = 0
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_layout(self.tokens, self.boxes, self.num_prefix_tokens, self.grid)

    def with_tokens(self, tokens: Tensor) -> VisualTokens:
        """Other numbers at the same places: tokens (B, N, any width)."""
        return replace(self, tokens=tokens)

    def without_prefix_tokens(self) -> VisualTokens:
        """The tokens that have a place. Raises ValueError when there are none."""
        return VisualTokens(
            self.tokens[:, self.num_prefix_tokens :], self.boxes[:, self.num_prefix_tokens :], grid=self.grid
        )

    def as_grid(self) -> Tensor:
        """The tokens laid out as the grid that they form: (B, D, rows, columns).

        Raises ValueError when there are prefix tokens, or when the tokens form no grid, as regions and latents.
        """
        check_neighbours(self)
        assert self.grid is not None
        height, width = self.grid
        return tokens_to_grid(self.tokens, height, width)


def on_grid(tokens: Tensor, height: int, width: int, num_prefix_tokens: int = 0) -> VisualTokens:
    """Tokens (B, P + H*W, D): P = num_prefix_tokens without a place, then the cells of a grid, row by row."""
    boxes = grid_boxes(tokens.shape[0], height, width, like=tokens, num_prefix_tokens=num_prefix_tokens)
    return VisualTokens(tokens, boxes, num_prefix_tokens, (height, width))


def whole_picture(tokens: Tensor) -> VisualTokens:
    """Tokens (B, N, D) that each stand for the whole picture: every box is (0, 0, 1, 1)."""
    batch, count, _ = tokens.shape
    return VisualTokens(tokens, tokens.new_tensor([0, 0, 1, 1]).expand(batch, count, 4))


@torch.fx.wrap  # one step of a traced graph: torch.fx cannot follow an arange to a length that it does not know
def grid_boxes(batch: int, height: int, width: int, like: Tensor, num_prefix_tokens: int = 0) -> Tensor:
    """The cell of the picture that each token of a grid stands for.

    Returns (B, num_prefix_tokens + H*W, 4): (top, left, bottom, right) in [0, 1], row-major, float, on the device of
    `like`. Before the cells come `num_prefix_tokens` boxes of the whole picture.
    """
    dtype = like.dtype if like.is_floating_point() else torch.float32
    rows = torch.arange(height + 1, device=like.device, dtype=dtype) / height
    columns = torch.arange(width + 1, device=like.device, dtype=dtype) / width
    top, left = torch.meshgrid(rows[:-1], columns[:-1], indexing="ij")
    bottom, right = torch.meshgrid(rows[1:], columns[1:], indexing="ij")
    cells = torch.stack([top, left, bottom, right], dim=-1).reshape(height * width, 4)
    front = cells.new_tensor([0, 0, 1, 1]).expand(num_prefix_tokens, 4)
    return torch.cat([front, cells]).expand(batch, -1, -1)


def grid_to_tokens(grid: Tensor) -> Tensor:
    """Read a grid row by row: one token for each cell.

    grid: (B, C, H, W). Returns (B, H*W, C); token i = y*W + x equals grid[:, :, y, x].
    Raises ValueError unless the grid has four axes and at least one picture.
    """
    check_shape("the grid", grid, "B", "C", "H", "W")
    return grid.flatten(2).transpose(1, 2)


def tokens_to_grid(tokens: Tensor, height: int, width: int) -> Tensor:
    """Lay tokens out as a grid again: the exact inverse of grid_to_tokens.

    tokens: (B, H*W, C). Returns (B, C, H, W).
    Raises ValueError when the number of tokens is not height * width (take prefix tokens off first).
    """
    check_positive(height=height, width=width)
    hint = f"One for each of {height} x {width} cells, without CLS and registers; a single sequence needs x[None]."
    check_shape("tokens", tokens, "B", height * width, "D", hint=hint)
    return tokens.transpose(1, 2).unflatten(2, (height, width))


def patchify(image: Tensor, patch_size: int) -> Tensor:
    """Cut a picture into squares and lay each one flat.

    image: (B, C, H, W). Returns (B, N, C*p*p) with N = (H/p)*(W/p), row-major. Inside a patch the order is
    channel, row, column: that of a convolution's weight.flatten(1), so `patches @ weight.flatten(1).T` is the
    convolution with stride p. On a grid of tokens it is pixel shuffle: torch's pixel_unshuffle, read as tokens.
    Raises ValueError when the patch size is below 1 or does not divide both sides.
    """
    check_shape("the picture", image, "B", "C", "H", "W")
    height, width = image.shape[2:]
    check_tiling(height, width, patch_size)
    # (B, C, H, W) -> (B, C, rows, p, columns, p) -> (B, rows, columns, C, p, p)
    squares = image.unflatten(3, (width // patch_size, patch_size)).unflatten(2, (height // patch_size, patch_size))
    return squares.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def unpatchify(patches: Tensor, height: int, width: int, patch_size: int, channels: int = 3) -> Tensor:
    """Put the patches back where they came from: the exact inverse of patchify.

    patches: (B, N, C*p*p); height and width of the picture in pixels. Returns (B, C, H, W).
    Raises ValueError when the sizes do not fit together.
    """
    check_tiling(height, width, patch_size)
    rows, columns = height // patch_size, width // patch_size
    hint = f"{rows} x {columns} patches with channels * patch_size**2 = {channels} * {patch_size}**2 numbers in each."
    check_shape("patches", patches, "B", rows * columns, channels * patch_size**2, hint=hint)
    squares = patches.unflatten(2, (channels, patch_size, patch_size)).unflatten(1, (rows, columns))
    return squares.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
