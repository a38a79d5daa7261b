"""The course's one photograph, and the numbers pretrained networks expect."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vlmteach.pictures.photos.fit import middle_box

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def photograph(height: int = 224, width: int = 224) -> Tensor:
    """Grace Hopper's portrait: cropped around its middle, resized, (3, H, W) in [0, 1].

    height, width: pixels. The largest crop of that shape is taken, so nothing is stretched.
    Raises ValueError when a side is below 1.
    Source: U.S. Navy, in the public domain; the file is the one among matplotlib's sample data.
    """
    with (files("vlmteach.pictures.photos") / "grace_hopper.jpg").open("rb") as file:
        picture = Image.open(file).convert("RGB")
    box = middle_box(picture.height, picture.width, height, width)
    resized = picture.resize((width, height), Image.Resampling.BICUBIC, box=box)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255


def normalise(image: Tensor, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> Tensor:
    """Shift and scale the colours of a picture (…, 3, H, W) in [0, 1] the way an encoder was trained to expect it.

    mean, std: of each colour, subtracted and divided by; ImageNet's, unless others are given.
    """
    mean_of, std_of = (image.new_tensor(values)[:, None, None] for values in (mean, std))
    return (image - mean_of) / std_of
