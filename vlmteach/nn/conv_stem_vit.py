"""A ViT whose patches are made by a few small convolutions: between a CNN and a plain ViT.

Source: Early Convolutions Help Transformers See Better (2106.14881).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from vlmteach.nn.checks import check_picture
from vlmteach.nn.convnet import strided_stem
from vlmteach.nn.tokens import grid_to_tokens
from vlmteach.nn.vit import VisionTransformer


class ConvStem(nn.Module):
    """Convolutions k3 s2 p1 down to one cell for each stride × stride square, then a linear map of each cell.

    Neighbouring tokens see overlapping parts of the picture, which patches never do.
    """

    def __init__(self, stride: int, dim: int, channels: int = 3) -> None:
        super().__init__()
        self.stride, self.channels = stride, channels
        self.features = nn.Sequential(strided_stem(dim, stride, channels=channels), nn.Conv2d(dim, dim, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, channels, H, W) -> tokens (B, (H/stride)*(W/stride), D), row by row."""
        check_picture(image, channels=self.channels, multiple_of=self.stride)
        return grid_to_tokens(self.features(image))


class ConvStemViT(VisionTransformer):
    """VisionTransformer with a ConvStem in place of PatchEmbed; all else, the other options included, is the same.

    stride: a power of two, where VisionTransformer has its patch size. channels: of the picture.
    """

    def __init__(
        self, image_size: int | tuple[int, int], stride: int, dim: int, *, channels: int = 3, **options: Any
    ) -> None:
        super().__init__(image_size, stride, dim, embed=ConvStem(stride, dim, channels), **options)
