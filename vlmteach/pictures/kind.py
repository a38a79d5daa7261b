"""What a file that is no readable picture looks like, told from its first bytes."""

from __future__ import annotations

import codecs

# What load_picture reads: Pillow's name, and how files of the format begin.
READABLE = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG",),
    "WEBP": (b"RIFF",),
    "GIF": (b"GIF8",),
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}

# (where, what stands there, what the file is)
_OTHERS = (
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"PK\x03\x04", "a zip archive (documents of an office program are such archives too)"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"gimp xcf", "a GIMP file"),
    (0, b"\0\0\1\0", "a Windows icon"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"P5", "a PGM picture"),
    (0, b"P6", "a PPM picture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (128, b"DICM", "a DICOM file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (8, b"AVI ", "a video (AVI)"),
    (8, b"WAVE", "a sound file"),
    (0, b"ID3", "a sound file"),
    (4, b"ftyphe", "a HEIC photograph, as some phones take them"),
    (4, b"ftypmif1", "a HEIC or AVIF picture"),
    (4, b"ftypavi", "an AVIF picture"),
    (4, b"ftypcrx", "a camera's raw file"),
    (4, b"ftyp", "a video (MP4 or QuickTime)"),
)

_TEXTS = (
    ("<svg", "an SVG drawing"),
    ("<html", "a web page"),
    ("<!doctype html", "a web page"),
    ("data:image", "a data: address, a picture written as text"),
)


def looks_like(data: bytes) -> str:
    """What a file seems to be, as words for a sentence ("a PDF document"); `data`: all of it, or its beginning."""
    text = _as_text(data[:2048])
    if text is not None:
        return next((what for mark, what in _TEXTS if mark in text.lower()), "text")
    return next((what for at, mark, what in _OTHERS if data.startswith(mark, at)), "nothing that is known here")


def begins_like(data: bytes) -> str | None:
    """The readable format ("JPEG", …) whose mark the file begins with, or None."""
    if _as_text(data[:2048]) is not None:  # a text may begin with BM
        return None
    if data.startswith(b"RIFF") and data[8:12] != b"WEBP":
        return None
    return next((name for name, marks in READABLE.items() if data.startswith(marks)), None)


def _as_text(head: bytes) -> str | None:
    """The text that the bytes spell, or None when they spell none."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()  # lets the last character be cut in two
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter.isspace() for letter in text) else None
