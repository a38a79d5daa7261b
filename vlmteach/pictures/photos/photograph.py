"""Photographs that everyone has, and the numbers pretrained networks expect."""

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
# name -> package, file, whose it is. Those of scikit-image lie in its installed package; nothing is copied or fetched.
PHOTOGRAPHS = {
    "grace_hopper": (
        "vlmteach.pictures.photos",
        "grace_hopper.jpg",
        "Rear Admiral Grace Hopper, U.S. Navy, public domain; also among matplotlib's sample data",
    ),
    "astronaut": ("skimage", "data/astronaut.png", "Eileen Collins, NASA, public domain"),
    "chelsea": ("skimage", "data/chelsea.png", "Chelsea the cat, Stefan van der Walt, CC0"),
    "coffee": ("skimage", "data/coffee.png", "a cup at the Pikolo Espresso Bar, Rachel Michetti, CC0"),
    "rocket": ("skimage", "data/rocket.jpg", "Falcon 9 with DSCOVR, SpaceX, public domain"),
}


def photograph(name: str = "grace_hopper", height: int = 224, width: int = 224) -> Tensor:
    """A photograph by name, cropped around its middle and resized: (3, H, W) in [0, 1].

    name: one of PHOTOGRAPHS, which states whose each is; all but the course's own portrait need scikit-image, which
    Colab has. height, width: pixels. The largest crop of that shape is taken, so nothing is stretched.
    Raises ValueError for an unknown name or a side below 1, FileNotFoundError without scikit-image or its file.
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"there is no photograph {name!r}; expected one of {', '.join(PHOTOGRAPHS)}.")
    package, path, _ = PHOTOGRAPHS[name]
    try:
        with (files(package) / path).open("rb") as file:
            picture = Image.open(file).convert("RGB")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError(
            f"the photograph {name} is the file {path} of {package} and is not on this computer ({error}); "
            'pip install scikit-image, or take photograph("grace_hopper"), which this course brings along.'
        ) from error
    box = middle_box(picture.height, picture.width, height, width)
    resized = picture.resize((width, height), Image.Resampling.BICUBIC, box=box)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255


def normalise(image: Tensor, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> Tensor:
    """Shift and scale the colours of a picture (…, 3, H, W) in [0, 1] the way an encoder was trained to expect it.

    mean, std: of each colour, subtracted and divided by; ImageNet's, unless others are given.
    """
    mean_of, std_of = (image.new_tensor(values)[:, None, None] for values in (mean, std))
    return (image - mean_of) / std_of
