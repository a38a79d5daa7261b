"""The preprocessing that each real encoder expects, as its weights were trained."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import torch.nn.functional as F
from torch import Tensor

from vlmteach.nn.checks import check_picture
from vlmteach.pictures.photos.photograph import normalise


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes an encoder's input.

    mean, std: of each colour, subtracted and divided by. interpolation: "bicubic" or "bilinear".
    crop: the share of the picture's shorter side that is kept, the middle; what is outside the encoder never sees.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop: float

    def resize_and_crop(self, picture: Tensor, height: int, width: int) -> Tensor:
        """Resize without stretching and cut out the middle: (3, H, W) -> (3, height, width), both in [0, 1].

        This is what the encoder will see, and so the picture to draw its tokens on.
        Raises TypeError or ValueError for something else than one picture in [0, 1], or for sides below 1.
        """
        check_picture(picture[None])
        _check_range(picture)
        if height < 1 or width < 1:
            raise ValueError(f"asked for {height} x {width} pixels; expected sides of 1 or more.")
        rows, columns = picture.shape[1:]
        ratio = min(rows / floor(height / self.crop), columns / floor(width / self.crop))
        size = round(rows / ratio), round(columns / ratio)
        resized = F.interpolate(picture[None], size, mode=self.interpolation, antialias=True)[0]
        top, left = round((size[0] - height) / 2), round((size[1] - width) / 2)
        return resized[:, top : top + height, left : left + width].clamp(0, 1)  # bicubic overshoots at edges

    def normalise(self, picture: Tensor) -> Tensor:
        """Shift and scale the colours: (…, 3, H, W) in [0, 1] -> the same shape, as the encoder expects it."""
        return normalise(picture, self.mean, self.std)

    def prepare(self, picture: Tensor, height: int, width: int) -> Tensor:
        """Resize, crop and normalise: (3, H, W) in [0, 1] -> (1, 3, height, width), ready for the encoder."""
        return self.normalise(self.resize_and_crop(picture, height, width))[None]


def _check_range(picture: Tensor) -> None:
    low, high = (float(value) for value in picture.aminmax())
    if low < 0 or high > 1:
        raise ValueError(
            f"the picture holds values from {low:g} to {high:g}; expected [0, 1]. Give it before any normalisation."
        )
