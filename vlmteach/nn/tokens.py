"""From pictures and feature maps to tokens, and back: pure rearrangements, nothing learned, nothing lost.

Every function here only moves numbers, so each accepts any dtype and passes NaN through unchanged.
Source: An Image is Worth 16x16 Words (2010.11929) for patches; Show, Attend and Tell (1502.03044) for grid tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class VisualTokens:
    """What every encoder returns and every connector takes.

    tokens: (B, N, D), prefix tokens first.
    boxes:  (B, N, 4), the part of the picture each token stands for: (top, left, bottom, right) in [0, 1].
            A prefix token stands for the whole picture: (0, 0, 1, 1).
    prefix: number of CLS and register tokens in front of those that have a place in the picture.

    Raises ValueError when the three do not fit together.
    """

    tokens: Tensor
    boxes: Tensor
    prefix: int = 0

    def __post_init__(self) -> None:
        if self.tokens.ndim != 3:
            raise ValueError(
                f"tokens has shape {tuple(self.tokens.shape)}; expected three axes (B, N, D). "
                "Turn a grid into tokens with grid_to_tokens first."
            )
        batch, count, _ = self.tokens.shape
        if tuple(self.boxes.shape) != (batch, count, 4):
            raise ValueError(
                f"boxes has shape {tuple(self.boxes.shape)}; expected {(batch, count, 4)}: one box "
                "(top, left, bottom, right) for each token. grid_boxes makes them for a grid."
            )
        if not 0 <= self.prefix <= count:
            raise ValueError(
                f"prefix is {self.prefix}; expected a number from 0 to {count}, the number of tokens. "
                "Count only the CLS and register tokens in front."
            )


def grid_boxes(batch: int, height: int, width: int, like: Tensor) -> Tensor:
    """The cell of the picture that each token of a grid stands for.

    Returns (B, H*W, 4): (top, left, bottom, right) in [0, 1], row-major, float, on the device of `like`.
    """
    dtype = like.dtype if like.is_floating_point() else torch.float32
    rows = torch.arange(height + 1, device=like.device, dtype=dtype) / height
    columns = torch.arange(width + 1, device=like.device, dtype=dtype) / width
    top, left = torch.meshgrid(rows[:-1], columns[:-1], indexing="ij")
    bottom, right = torch.meshgrid(rows[1:], columns[1:], indexing="ij")
    boxes = torch.stack([top, left, bottom, right], dim=-1).reshape(1, height * width, 4)
    return boxes.expand(batch, -1, -1)


def whole_picture_boxes(batch: int, count: int, like: Tensor) -> Tensor:
    """Boxes for tokens without a place of their own: each stands for the whole picture, (0, 0, 1, 1).

    Returns (B, count, 4), in the dtype and on the device of `like`.
    """
    return like.new_tensor([0, 0, 1, 1]).expand(batch, count, 4)


def grid_to_tokens(grid: Tensor) -> Tensor:
    """Read a grid row by row: one token for each cell.

    grid: (B, C, H, W). Returns (B, H*W, C); token i = y*W + x equals grid[:, :, y, x].
    Raises ValueError unless the grid has four axes and at least one picture.
    """
    _check_grid(grid)
    return grid.flatten(2).transpose(1, 2)


def tokens_to_grid(tokens: Tensor, height: int, width: int) -> Tensor:
    """Lay tokens out as a grid again: the exact inverse of grid_to_tokens.

    tokens: (B, H*W, C). Returns (B, C, H, W).
    Raises ValueError when the number of tokens is not height * width (take prefix tokens off first).
    """
    _check_count(tokens, height, width)
    return tokens.transpose(1, 2).unflatten(2, (height, width))


def patchify(image: Tensor, patch_size: int) -> Tensor:
    """Cut a picture into squares and lay each one flat.

    image: (B, C, H, W). Returns (B, N, C*p*p) with N = (H/p)*(W/p), row-major. Inside a patch the order is
    channel, row, column: that of a convolution's weight.flatten(1), so `patches @ weight.flatten(1).T` is the
    convolution with stride p.
    Raises ValueError when the patch size is below 1 or does not divide both sides.
    """
    _check_grid(image)
    height, width = image.shape[2:]
    _check_patch_size(patch_size, height, width)
    # (B, C, H, W) -> (B, C, rows, p, columns, p) -> (B, rows, columns, C, p, p)
    squares = image.unflatten(3, (width // patch_size, patch_size)).unflatten(2, (height // patch_size, patch_size))
    return squares.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def unpatchify(patches: Tensor, height: int, width: int, patch_size: int, channels: int = 3) -> Tensor:
    """Put the patches back where they came from: the exact inverse of patchify.

    patches: (B, N, C*p*p); height and width of the picture in pixels. Returns (B, C, H, W).
    Raises ValueError when the sizes do not fit together.
    """
    _check_patch_size(patch_size, height, width)
    rows, columns = height // patch_size, width // patch_size
    _check_count(patches, rows, columns)
    if patches.shape[2] != channels * patch_size**2:
        raise ValueError(
            f"a patch holds {patches.shape[2]} numbers; expected channels * patch_size**2 = "
            f"{channels} * {patch_size}**2 = {channels * patch_size**2}. Pass the channels of the picture."
        )
    squares = patches.unflatten(2, (channels, patch_size, patch_size)).unflatten(1, (rows, columns))
    return squares.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


def pool_tokens(visual: VisualTokens) -> VisualTokens:
    """Average a picture's tokens into one, which stands for the whole picture: the "single vector" of a CNN.

    Prefix tokens are left out of the average. Returns tokens (B, 1, D), box (0, 0, 1, 1).
    Raises ValueError when there is no token besides the prefix.
    """
    placed = visual.tokens[:, visual.prefix :]
    if placed.shape[1] == 0:
        raise ValueError("there is no token besides the prefix; expected at least one to average.")
    boxes = whole_picture_boxes(placed.shape[0], 1, like=visual.boxes)
    return VisualTokens(placed.mean(dim=1, keepdim=True), boxes)


def space_to_depth_tokens(tokens: Tensor, height: int, width: int, factor: int) -> Tensor:
    """Pixel shuffle: join each factor x factor square of tokens into one token that is wider.

    tokens: (B, H*W, D), row-major. Returns (B, H*W/factor², D*factor²); the channel order is that of
    patchify on the token grid (D, row, column), which is also torch's pixel_unshuffle order.
    Raises ValueError when the factor does not divide height and width.
    Source: huggingface/nanoVLM models/modality_projector.py (another channel order).
    """
    grid = tokens_to_grid(tokens, height, width)
    return patchify(grid, factor)


def _check_grid(grid: Tensor) -> None:
    if grid.ndim != 4:
        raise ValueError(
            f"got shape {tuple(grid.shape)}; expected four axes (B, C, H, W). "
            "A single picture or grid needs a batch axis in front: x[None]."
        )
    if 0 in grid.shape:
        raise ValueError(
            f"got shape {tuple(grid.shape)}, which is empty; expected at least one picture, channel, row and column. "
            "Check how the batch was cut."
        )


def _check_count(tokens: Tensor, height: int, width: int) -> None:
    if tokens.ndim != 3:
        raise ValueError(
            f"got shape {tuple(tokens.shape)}; expected three axes (B, N, D). "
            "A single sequence needs a batch axis in front: x[None]."
        )
    if tokens.shape[0] == 0:
        raise ValueError(f"got shape {tuple(tokens.shape)}, an empty batch; expected at least one picture.")
    if height < 1 or width < 1 or tokens.shape[1] != height * width:
        raise ValueError(
            f"got {tokens.shape[1]} tokens for {height} x {width} cells; expected height * width = {height * width}. "
            "Take CLS and register tokens off first, or correct the size of the grid."
        )


def _check_patch_size(patch_size: int, height: int, width: int) -> None:
    if patch_size < 1:
        raise ValueError(f"patch size is {patch_size}; expected 1 or more.")
    if height % patch_size or width % patch_size:
        raise ValueError(
            f"a patch size of {patch_size} does not divide {height} x {width}; expected both sides to be multiples "
            f"of it. Resize or crop knowingly, for instance to {height // patch_size * patch_size} x "
            f"{width // patch_size * patch_size}."
        )
