"""The picture that the explorer shows and the encoders see: checked first, and never reduced without a note."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.probes.patchview.data import LONGEST_SIDE

REDUCED_SIDE = 224  # pixels: what a larger picture's longer side becomes
MULTIPLE = 32  # sides become multiples of it, so that patches and strides of usual encoders fit


def reduce_picture(picture: Tensor) -> Tensor:
    """A picture that can be shown and measured: the same one, or a smaller one where it is too large.

    picture: (3, H, W), floats in [0, 1], before any normalisation. Above 512 pixels a side it is reduced to 224.
    Raises TypeError or ValueError for anything else.
    """
    _check(picture)
    height, width = picture.shape[-2:]
    if max(height, width) <= LONGEST_SIDE:
        return picture
    scale = REDUCED_SIDE / max(height, width)
    sides = tuple(max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (height, width))
    smaller = F.interpolate(picture[None], size=sides, mode="bilinear", antialias=True, align_corners=False)[0]
    return smaller.clamp(0, 1)


def as_bytes(picture: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) in [0, 1] -> (H, W, 3) uint8, for showing."""
    return (picture * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def _check(picture: Tensor) -> None:
    if not isinstance(picture, Tensor) or not picture.is_floating_point():
        given = f"{picture.dtype} tensor" if isinstance(picture, Tensor) else type(picture).__name__
        raise TypeError(
            f"the picture is a {given}; expected a tensor of floats (3, H, W) in [0, 1]. "
            "torch.from_numpy(array).permute(2, 0, 1) / 255 makes one from bytes (H, W, 3)."
        )
    if picture.ndim != 3 or picture.shape[0] != 3 or 0 in picture.shape:
        raise ValueError(
            f"the picture has shape {tuple(picture.shape)}; expected (3, H, W), one picture without a batch axis."
        )
    if not picture.isfinite().all():
        raise ValueError("the picture holds NaN or infinite values; expected numbers in [0, 1].")
    low, high = (float(value) for value in picture.aminmax())
    if low < 0 or high > 1:
        raise ValueError(
            f"the picture holds values from {low:g} to {high:g}; expected [0, 1], so that it can be shown. "
            "Pass it before normalisation, and the normalisation as cnn_normalise= and vit_normalise=."
        )
