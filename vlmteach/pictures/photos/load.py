"""A person's own picture as the tensor an encoder expects: read safely, and nothing done to it unsaid."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import ExifTags, Image, ImageCms, ImageOps, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError
from torch import Tensor

from vlmteach.pictures.photos.file_source import PictureFile, read_source
from vlmteach.pictures.photos.file_type import READABLE, begins_like, looks_like

MOST_PIXELS = 64_000_000  # as float32 these take 768 MB
# The largest phone photographs have 200 million. A jpeg can be decoded at a half, a quarter or an eighth of each side
# without being unpacked, so it may have so many that at a half MOST_PIXELS remain.
MOST_JPEG_PIXELS = 4 * MOST_PIXELS
LONGEST_SHAPE = 20  # times longer than wide: a square crop of anything longer shows less than a twentieth of it

_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "YCbCr", "CMYK")
_SUBFILE_TYPE, _BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 254, 258, 262, 339  # tags of TIFF 6.0
_UNSIGNED = 1  # a sample format

_FORMATS = "jpeg, png, webp, gif, bmp or tiff"
_KNOWN_WHITE = (
    "expected grey, RGB or CMYK, in whole numbers from 0 of up to 16 bits, so that it is known what is white."
)
_EXPORT = "Open it in a picture program and export it as jpeg or png."


def load_picture(source: object, *, enough: int | None = None, tell: Callable[[str], object] = print) -> Tensor:
    """The picture in a file or an upload: (3, H, W), float32 RGB in [0, 1], at its full size.

    source: a path, the bytes of a jpeg, png, webp, gif, bmp or tiff file, an ipywidgets FileUpload or its value, or
    what Colab's files.upload() returns.
    enough: pixels of the longer side that are enough. A jpeg is then decoded at a half, a quarter or an eighth of its
    size where that leaves as many, in a fraction of the time and memory; other files are read at their full size.
    tell: called with one line for each thing that was done to the picture beyond reading its pixels: the first of
    several frames or pages taken, a jpeg read at a part of its size (also one of more than MOST_PIXELS), turned upright
    by its EXIF or XMP orientation, transparent parts laid on white, CMYK made RGB, 16 bits for each colour read as 8, a
    colour profile other than sRGB. Profiles are not applied, as in the pipelines that pretrained networks saw. Grey of
    16 bits keeps its precision and needs no word.

    Raises TypeError for a source of another type, FileNotFoundError when no file is at the path, and ValueError for
    everything that cannot be shown faithfully: no picture, damaged or cut off, more than MOST_PIXELS pixels (a jpeg:
    MOST_JPEG_PIXELS), one side more than LONGEST_SHAPE times the other, pixels without a known white.
    """
    if enough is not None and enough < 1:
        raise ValueError(f"enough is {enough}; expected 1 or more pixels of the longer side, or None for all of them.")
    file = read_source(source)
    # Pillow warns about odd files; its words are passed on like our own instead of reaching the reader as warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture, notes = _decode(file, enough)
    notes += [
        f"Pillow warns: {str(warning.message).strip()}"
        for warning in caught
        if issubclass(warning.category, UserWarning)
    ]
    for note in dict.fromkeys(notes):
        tell(f"{file.name}: {note}")
    return picture


def _decode(file: PictureFile, enough: int | None) -> tuple[Tensor, list[str]]:
    """The picture, and what was done to it."""
    notes: list[str] = []
    with _sentence_for_damage(file):
        image = _open(file.data)
    _check_shape(file.name, image)  # before anything is unpacked
    _check_pixels(file.name, image)
    with _sentence_for_damage(file):
        bits = _bits(image, file.data)
        if (frames := getattr(image, "n_frames", 1)) > 1:
            notes.append(f"took the first of the {frames} pictures it holds.")
        _read_smaller(image, enough, notes)
        if not isinstance(image, TiffImagePlugin.TiffImageFile):
            image.load()  # a png may tell its orientation after its pixels; a tiff turns itself as it is loaded
        _keep_orientation(image, notes)
        image.load()
        if image.format == "PNG":
            _scale_clear_colour(image, bits, file.data)
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith("I;16"):
            return _grey_of_16_bits(image, bits, notes), notes
        if bits > 8:
            notes.append(f"read its {bits} bits for each colour as 8.")
        return _rgb_of_8_bits(image, notes), notes


def _open(data: bytes) -> Image.Image:
    if begins_like(data) == "JPEG":
        # as Image.open does, less its limit of pixels, which is below what phones take; ours is checked next
        return JpegImagePlugin.jpeg_factory(io.BytesIO(data))
    return Image.open(io.BytesIO(data), formats=list(READABLE))


def _read_smaller(image: Image.Image, enough: int | None, notes: list[str]) -> None:
    """Have a jpeg decoded at a part of its size, when that is enough or all of it is too much."""
    width, height = image.size
    parts = [
        part
        for part in (1, 2, 4, 8)
        if part == 1
        or width * height > MOST_PIXELS * (part / 2) ** 2
        or (enough is not None and max(width, height) >= enough * part)
    ]
    image.draft(None, (max(width // parts[-1], 1), max(height // parts[-1], 1)))  # other formats let this pass
    if image.size != (width, height):
        notes.append(f"read {height} x {width} pixels at {image.height} x {image.width}.")


def _keep_orientation(image: Image.Image, notes: list[str]) -> None:
    """Leave nothing in the EXIF data but how the picture is to be turned, which only XMP data may say.

    Pillow writes them anew when it turns a picture, and fails on entries that a camera wrote in an odd way.
    """
    stored = [
        image.info.pop(key, None) for key in ("XML:com.adobe.xmp", "xmp")
    ]  # of a png as text, and bytes of others
    xmp = stored[0] or stored[1]
    try:
        said, source = image.getexif().get(ExifTags.Base.Orientation), "EXIF"
    except Exception:  # whatever stands there
        notes.append("its EXIF data are damaged: if they say how it is to be turned, it was not.")
        said, source = None, ""
    if said is None and xmp is not None:
        text = xmp if isinstance(xmp, str) else xmp.decode("utf-8", "replace")
        found = re.search(r"tiff:Orientation(?:=[\"']|>)([1-8])", text)
        said, source = (int(found[1]), "XMP") if found else (None, "")
    exif = image.getexif()
    for tag in list(exif):
        del exif[tag]
    if said in range(2, 9):  # not when it is a text, or another number
        exif[ExifTags.Base.Orientation] = said
        notes.append(f"turned upright, as its {source} orientation ({said}) asks.")


def _scale_clear_colour(image: Image.Image, bits: int, data: bytes) -> None:
    """Make the one colour that a png may declare transparent comparable with its pixels, as Pillow reads them.

    The file declares it in its own bits (PNG, third edition, 11.3.1.1). Pillow has made 255 of the largest value of
    fewer bits, and has kept only the high byte of 16.
    """
    clear = image.info.get("transparency")
    if image.mode in ("1", "L") and isinstance(clear, int):
        largest = 2**bits - 1
        image.info["transparency"] = (clear & largest) * 255 // largest
    if image.mode == "RGB" and bits == 16 and clear is not None:
        low = Image.open(io.BytesIO(data), formats=["PNG"])
        low.tile = [low.tile[0]._replace(args="RGB;16L")]  # little-endian: takes the other byte for the high one
        values = np.asarray(image).astype(np.uint16) << 8 | np.asarray(low)
        alpha = np.where((values == clear).all(axis=-1), 0, 255).astype(np.uint8)
        del image.info["transparency"]
        image.putalpha(Image.fromarray(alpha))


def _rgb_of_8_bits(image: Image.Image, notes: list[str]) -> Tensor:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if np.asarray(image.getchannel("A")).min() < 255:
            notes.append("laid its transparent parts on white.")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode == "CMYK":
        notes.append("turned CMYK into RGB without a colour profile: the colours are approximate.")
    elif (profile := _profile(image)) is not None:
        notes.append(
            f"did not apply its colour profile ({profile}): a viewer may show its colours a little differently."
        )
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
        raise ValueError(f"{file.name} is too large to unpack ({error}). {_too_large_advice(MOST_PIXELS)}") from error
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


def _check_shape(name: str, image: Image.Image) -> None:
    width, height = image.size
    most = MOST_JPEG_PIXELS if isinstance(image, JpegImagePlugin.JpegImageFile) else MOST_PIXELS
    size = f"{name} has {height} x {width} pixels"
    if width * height > most:
        raise ValueError(f"{size}. {_too_large_advice(most)}")
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
        raise ValueError(f"{name} holds pixels of Pillow's mode {image.mode!r}; {_KNOWN_WHITE} {_EXPORT}")
    if any(value != _UNSIGNED for value in _tag(image, _SAMPLE_FORMAT)):
        raise ValueError(f"{name} holds numbers that may be negative; {_KNOWN_WHITE} {_EXPORT}")


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


def _profile(image: Image.Image) -> str | None:
    """The name of the colour profile that a file brings; None without one, and for sRGB, which networks expect."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
    except (ImageCms.PyCMSError, OSError):  # broken
        return "of an unknown name"
    return None if "sRGB" in name else name


def _too_large_advice(most: int) -> str:
    return f"Expected at most {most // 10**6} million pixels. Make it smaller in a picture program."
