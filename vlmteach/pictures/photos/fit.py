"""A picture of any shape made the shape an encoder takes: the largest crop around its middle, resized."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def fit_picture(picture: Tensor, height: int = 224, width: int = 224) -> Tensor:
    """The largest crop of the shape height:width around the middle, resized to height x width pixels.

    picture: (3, H, W), floating point in [0, 1], as load_picture returns it. Returns (3, height, width), float32 in
    [0, 1]. Nothing is stretched. Shrinking averages over the pixels (bicubic, antialiased); enlarging is bicubic.
    Raises TypeError or ValueError for any other picture, and ValueError when a requested side is below 1.
    """
    _check_picture(picture)
    box = middle_box(picture.shape[1], picture.shape[2], height, width)
    # Pillow, not torch: its crop may end between two pixels, so a small picture keeps its proportions too
    resized = [
        np.array(Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC, box=box))
        for channel in picture.float().numpy(force=True)
    ]
    return torch.from_numpy(np.stack(resized)).clamp_(0, 1)  # bicubic overshoots at edges


def middle_box(height: int, width: int, new_height: int, new_width: int) -> tuple[float, float, float, float]:
    """The largest crop of the shape new_height:new_width around the middle of height x width pixels.

    Returns Pillow's order (left, top, right, bottom), in pixels that need not be whole.
    Raises ValueError when a new side is below 1.
    """
    if new_height < 1 or new_width < 1:
        raise ValueError(f"asked for a picture of {new_height} x {new_width} pixels; expected sides of 1 or more.")
    scale = min(width / new_width, height / new_height)
    # the product may miss the whole side by a rounding error, and Pillow refuses a box that sticks out
    crop_width, crop_height = min(new_width * scale, width), min(new_height * scale, height)
    left, top = (width - crop_width) / 2, (height - crop_height) / 2
    return left, top, left + crop_width, top + crop_height


def _check_picture(picture: Tensor) -> None:
    if not isinstance(picture, Tensor) or not picture.is_floating_point():
        kind = picture.dtype if isinstance(picture, Tensor) else type(picture).__name__
        raise TypeError(f"the picture is {kind}; expected a floating-point tensor in [0, 1], as load_picture returns.")
    if picture.ndim != 3 or picture.shape[0] != 3 or 0 in picture.shape:
        raise ValueError(
            f"the picture has shape {tuple(picture.shape)}; expected (3, H, W). Take one picture out of a batch."
        )
    low, high = torch.aminmax(picture.detach())
    if not (low >= 0 and high <= 1):  # also when NaN
        raise ValueError(
            f"the picture holds values from {low:.3g} to {high:.3g}; expected [0, 1]. Fit before you normalise."
        )
