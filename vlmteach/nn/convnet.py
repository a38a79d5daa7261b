"""A small convolutional encoder whose receptive field you choose: the number of blocks says how far a cell sees.

Nothing in it looks across the picture: the only normalisation is BatchNorm, which at test time is one fixed factor
and offset for each channel. A norm over space, or a global pooling, would make every cell depend on every other.
Source of the residual block: Deep Residual Learning (1512.03385), here with one convolution for each block.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from vlmteach.nn.checks import check_choice, check_picture, check_positive
from vlmteach.nn.tokens import VisualTokens, grid_to_tokens, on_grid

Padding = Literal["zeros", "circular"]


class ConvBlock(nn.Module):
    """x + relu(norm(conv3x3(x))): a cell sees itself and the eight cells at distance `dilation`, nothing else."""

    def __init__(self, dim: int, dilation: int = 1, padding_mode: Padding = "zeros") -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            dim, dim, 3, padding=dilation, dilation=dilation, padding_mode=padding_mode, bias=False
        )  # no bias: the norm has one
        self.norm = nn.BatchNorm2d(dim)
        self.act = nn.ReLU()

    def forward(self, grid: Tensor) -> Tensor:
        """Grid (B, C, H, W) -> (B, C, H, W)."""
        return grid + self.act(self.norm(self.conv(grid)))


class ConvNet(nn.Module):
    """A stem that makes cells, then residual 3×3 blocks: an image encoder that is local by construction.

    dim: channels C of the grid. dilations: one block for each, so (1, 1, 1) is three plain blocks and (1, 2, 4) is a
    dilated stack. In cells, the field reaches sum(dilations) in every direction, beyond what the stem sees:
    stem "strided": log2(stride) convolutions k3 s2 p1. A cell of stride 8 also sees 7 px above and left of itself.
    stem "patch":   one convolution k = stride. A cell sees exactly its own square, so the field is ± n cells.
    padding_mode: "zeros", which tells cells where the border is, or "circular", which does not.
    channels: of the picture. Raises ValueError for arguments that do not fit together.
    """

    def __init__(
        self,
        dim: int = 64,
        dilations: Sequence[int] = (1, 1, 1),
        *,
        stem: str = "strided",
        stride: int = 8,
        padding_mode: Padding = "zeros",
        channels: int = 3,
    ) -> None:
        super().__init__()
        check_choice("stem", stem, STEMS)
        check_positive(stride=stride, dilations=dilations)
        self.dim, self.stride, self.channels = dim, stride, channels
        blocks = [ConvBlock(dim, dilation, padding_mode) for dilation in dilations]
        self.features = nn.Sequential(STEMS[stem](dim, stride, padding_mode, channels), *blocks)

    def grid(self, image: Tensor) -> Tensor:
        """Image (B, channels, H, W) -> the grid (B, C, H/stride, W/stride)."""
        check_picture(image, channels=self.channels, multiple_of=self.stride)
        return self.features(image)

    def forward(self, image: Tensor) -> VisualTokens:
        """Image (B, channels, H, W) -> one token for each cell of the grid, row by row."""
        grid = self.grid(image)
        height, width = grid.shape[2:]
        return on_grid(grid_to_tokens(grid), height, width)


def strided_stem(dim: int, stride: int = 8, padding_mode: Padding = "zeros", channels: int = 3) -> nn.Sequential:
    """Halve the picture log2(stride) times by convolutions k3 s2 p1; each doubles the width, up to dim.

    Raises ValueError unless stride is a power of two and dim can be halved as often.
    """
    halvings = stride.bit_length() - 1
    if stride < 2 or stride != 2**halvings:
        raise ValueError(f"stride is {stride}; expected a power of two from 2 on: every convolution halves.")
    if dim % (stride // 2):
        raise ValueError(
            f"a width of {dim} cannot be halved {halvings - 1} times; expected multiples of {stride // 2}."
        )
    widths = [channels, *(dim // 2**left for left in reversed(range(halvings)))]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        conv = nn.Conv2d(before, after, 3, stride=2, padding=1, padding_mode=padding_mode, bias=False)
        layers += [conv, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


def patch_stem(dim: int, stride: int = 8, padding_mode: Padding = "zeros", channels: int = 3) -> nn.Sequential:
    """Cut the picture into squares of side stride by one convolution, which needs no padding."""
    conv = nn.Conv2d(channels, dim, stride, stride=stride, padding_mode=padding_mode, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(dim), nn.ReLU())


STEMS = {"strided": strided_stem, "patch": patch_stem}
