"""A person's own picture as the tensor an encoder expects: read safely, and nothing done to it unsaid."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin, UnidentifiedImageError
from torch import Tensor

from vlmteach.pictures.kind import READABLE, begins_like, looks_like
from vlmteach.pictures.source import PictureFile, read_source

MOST_PIXELS = 64_000_000  # the largest phone photographs are near 50 million; as float32 these take 768 MB
LONGEST_SHAPE = 20  # times longer than wide: a square crop of anything longer shows less than a twentieth of it

_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "YCbCr", "CMYK")
_SUBFILE_TYPE, _BITS_PER_SAMPLE, _PHOTOMETRIC = 254, 258, 262  # tags of TIFF 6.0

_FORMATS = "jpeg, png, webp, gif, bmp or tiff"
_EXPORT = "Open it in a picture program and export it as jpeg or png."


def load_picture(source: object, *, tell: Callable[[str], object] = print) -> Tensor:
    """The picture in a file or an upload: (3, H, W), float32 RGB in [0, 1], at its full size.

    source: a path, the bytes of a jpeg, png, webp, gif, bmp or tiff file, an ipywidgets FileUpload or its value, or
    what Colab's files.upload() returns.
    tell: called with one line for each thing that was done to the picture beyond reading its pixels: the first of
    several frames or pages taken, turned upright by its EXIF orientation, transparent parts laid on white, CMYK made
    RGB, 16 bits for each colour read as 8. Grey of 16 bits keeps its precision and needs no word. Colour profiles are
    not applied, as in the pipelines that pretrained networks saw.

    Raises TypeError for a source of another type, FileNotFoundError when no file is at the path, and ValueError for
    everything that cannot be shown faithfully: no picture, damaged or cut off, more than MOST_PIXELS pixels, one side
    more than LONGEST_SHAPE times the other, pixels without a known white.
    """
    file = read_source(source)
    # Pillow warns about odd files; its words are passed on like our own instead of reaching the reader as warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture, notes = _decode(file)
    notes += [
        f"Pillow warns: {str(warning.message).strip()}"
        for warning in caught
        if issubclass(warning.category, UserWarning)
    ]
    for note in dict.fromkeys(notes):
        tell(f"{file.name}: {note}")
    return picture


def _decode(file: PictureFile) -> tuple[Tensor, list[str]]:
    """The picture, and what was done to it."""
    notes = []
    with _sentence_for_damage(file):
        image = Image.open(io.BytesIO(file.data), formats=list(READABLE))
    _check_shape(file.name, image.width, image.height)  # before anything is unpacked
    _check_pixels(file.name, image)
    with _sentence_for_damage(file):
        bits = _bits(image, file.data)
        frames = getattr(image, "n_frames", 1)
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        if frames > 1:
            notes.append(f"took the first of the {frames} pictures it holds.")
        if orientation in range(2, 9):
            notes.append(f"turned upright, as its EXIF orientation ({orientation}) asks.")
        if image.mode.startswith("I;16"):
            return _grey_of_16_bits(image, bits, notes), notes
        if bits > 8:
            notes.append(f"read its {bits} bits for each colour as 8.")
        return _rgb_of_8_bits(image, notes), notes


def _rgb_of_8_bits(image: Image.Image, notes: list[str]) -> Tensor:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if np.asarray(image.getchannel("A")).min() < 255:
            notes.append("laid its transparent parts on white.")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode == "CMYK":
        notes.append("turned CMYK into RGB without a colour profile: the colours are approximate.")
    if image.mode != "RGB":
        image = image.convert("RGB")
    channels = np.asarray(image).transpose(2, 0, 1).astype(np.float32, order="C")
    return torch.from_numpy(channels).div_(255)


def _grey_of_16_bits(image: Image.Image, bits: int, notes: list[str]) -> Tensor:
    """Three equal channels in [0, 1] from 9 to 16 bits, whose white is 2^bits - 1; Pillow would clip them to 8."""
    values = np.asarray(image)
    grey = values.astype(np.float32) / (2**bits - 1)
    if _tag(image, _PHOTOMETRIC) == (0,):  # "white is zero"
        grey = 1 - grey
    if "transparency" in image.info:  # the one value that a png declares transparent
        clear = values == image.info["transparency"]
        if clear.any():
            notes.append("laid its transparent parts on white.")
            grey[clear] = 1
    return torch.from_numpy(grey).repeat(3, 1, 1)


@contextmanager
def _sentence_for_damage(file: PictureFile) -> Iterator[None]:
    """Turn whatever Pillow raises into a sentence: on damaged bytes a decoder may raise anything."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise ValueError(f"{file.name} is too large to unpack ({error}). {_too_large_advice()}") from error
    except Exception as error:
        kind = begins_like(file.data)
        if kind is None:
            raise ValueError(
                f"{file.name} cannot be read: it looks like {looks_like(file.data)}; expected {_FORMATS}. Choose "
                "another file, or export this one as jpeg or png."
            ) from error
        # Pillow's "cannot identify" says no more than this does
        reason = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        raise ValueError(
            f"{file.name} begins like a {kind.lower()} picture but cannot be decoded: it is damaged, cut off, of no "
            f"size or of a rare kind{reason}. Get the file again, or export it as jpeg or png."
        ) from error


def _check_shape(name: str, width: int, height: int) -> None:
    size = f"{name} has {height} x {width} pixels"
    if width * height > MOST_PIXELS:
        raise ValueError(f"{size}. {_too_large_advice()}")
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise ValueError(
            f"{size}; expected a side at most {LONGEST_SHAPE} times the other. Cut out the part you want to look at."
        )


def _check_pixels(name: str, image: Image.Image) -> None:
    if any(value & 1 for value in _tag(image, _SUBFILE_TYPE)):
        raise ValueError(
            f"{name} holds only a small preview where its picture should be, as a camera's raw file does; expected "
            f"{_FORMATS}. Develop it in a picture program and export it as jpeg or png."
        )
    if image.mode not in _EIGHT_BIT_MODES and not image.mode.startswith("I;16"):
        raise ValueError(
            f"{name} holds pixels of Pillow's mode {image.mode!r}; expected grey, RGB or CMYK, with whole numbers of "
            f"up to 16 bits, so that it is known what is white. {_EXPORT}"
        )


def _bits(image: Image.Image, data: bytes) -> int:
    """Bits that the file stores for each colour; Pillow's mode does not tell 16 from 8, nor 12 from 16."""
    if image.format == "PNG":
        if data[12:16] != b"IHDR":
            raise ValueError("its header is not the first chunk")
        return data[24]  # after the signature (8), the length and name of IHDR (8), width (4) and height (4)
    return max(_tag(image, _BITS_PER_SAMPLE), default=8)


def _tag(image: Image.Image, number: int) -> tuple[int, ...]:
    """The whole numbers that a TIFF file stores under a tag; none when it does not, or when it is no TIFF."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return ()
    stored = image.tag_v2.get(number)
    return tuple(value for value in (stored if isinstance(stored, tuple) else (stored,)) if isinstance(value, int))


def _too_large_advice() -> str:
    return f"Expected at most {MOST_PIXELS // 10**6} million pixels. Make it smaller in a picture program."
