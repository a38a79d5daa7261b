"""What every encoder asks of a picture before it computes: one check at the door, so that mistakes speak there."""

from __future__ import annotations

import torch
from torch import Tensor

# Pictures in [0, 1], and the usual normalised ones, stay far below this; bytes turned into floats go far above it.
LARGEST_VALUE = 50.0


def check_picture(image: Tensor, *, channels: int = 3, at_least: int = 1, multiple_of: int = 1) -> None:
    """Raise unless `image` is a batch of floating-point pictures that an encoder can compute with.

    image: (B, channels, H, W), finite, values around 0 or 1 (in [0, 1], or normalised by mean and deviation).
    at_least: smallest side in pixels, for an encoder whose stride would leave nothing of a smaller picture.
    multiple_of: both sides must be multiples of it, for an encoder whose patches or cells tile the picture.

    Raises TypeError for something that is no tensor or not floating point, else ValueError. Changes nothing.
    """
    if not isinstance(image, Tensor):
        raise TypeError(
            f"the picture is a {type(image).__name__}; expected a torch tensor (B, {channels}, H, W). "
            "torch.as_tensor turns an array into one; put the channels first and scale bytes to [0, 1]."
        )
    _check_shape(image, channels)
    _check_numbers(image)
    _check_size(image, at_least, multiple_of)


def _check_shape(image: Tensor, channels: int) -> None:
    given = f"the picture has shape {tuple(image.shape)}"
    expected = f"expected (B, {channels}, H, W)"
    if image.ndim == 3 and image.shape[0] == channels:
        raise ValueError(f"{given}; {expected}. A single picture needs a batch axis in front: image[None].")
    if image.ndim != 4:
        raise ValueError(f"{given}; {expected}: four axes, the batch first.")
    if image.shape[1] != channels and image.shape[3] == channels:
        raise ValueError(f"{given}, channels last; {expected}. Use image.permute(0, 3, 1, 2).")
    if image.shape[1] != channels:
        raise ValueError(
            f"{given}; {expected}: the encoder was made for channels={channels}. Repeat a grey picture with "
            "image.expand(-1, 3, -1, -1), or make a colour picture grey with image.mean(1, keepdim=True)."
        )
    if 0 in image.shape:
        raise ValueError(f"{given}, which is empty; {expected} with at least one picture. Check how the batch was cut.")


def _check_numbers(image: Tensor) -> None:
    if not image.is_floating_point():
        raise TypeError(
            f"the picture holds {image.dtype}; expected a floating-point dtype. "
            "Bytes become floats in [0, 1] with image.float() / 255; normalise after that if the model wants it."
        )
    low, high = torch.aminmax(image.detach())  # one pass; NaN comes out of it as NaN
    if not (low.isfinite() and high.isfinite()):
        raise ValueError(
            "the picture holds NaN or infinite values; expected finite numbers. Look where they come from, for "
            "instance a division by a deviation of zero; image.isfinite().logical_not().nonzero() finds them."
        )
    largest = max(-float(low), float(high))
    if largest > LARGEST_VALUE:
        raise ValueError(
            f"the picture holds values as large as {largest:g}; expected values in [0, 1] or normalised ones "
            f"(at most {LARGEST_VALUE:g}). Bytes that became floats still need a division by 255."
        )


def _check_size(image: Tensor, at_least: int, multiple_of: int) -> None:
    height, width = image.shape[2:]
    if min(height, width) < at_least:
        raise ValueError(
            f"the picture is {height} x {width}; expected sides of at least {at_least} pixels, the stride of this "
            "encoder, or no cell is left. Enlarge it, or take an encoder with a smaller stride."
        )
    if height % multiple_of or width % multiple_of:
        down = [max(side // multiple_of, 1) * multiple_of for side in (height, width)]
        raise ValueError(
            f"the picture is {height} x {width}; expected both sides to be multiples of {multiple_of}, the patch size "
            f"or stride of this encoder. Resize or crop knowingly, for instance to {down[0]} x {down[1]}."
        )
