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

# What people take for such a picture: (where, what stands there, what the file is)
_OTHERS = (
    (4, b"ftyphe", "a HEIC photograph, as some phones take them"),
    (4, b"ftypmif1", "a HEIC or AVIF picture"),
    (4, b"ftypavi", "an AVIF picture"),
    (0, b"%PDF", "a PDF document"),
)
_TEXTS = (
    ("<svg", "an SVG drawing"),
    ("<html", "a web page"),
    ("<!doctype html", "a web page"),
)


def looks_like(data: bytes) -> str:
    """What a file seems to be, as words for a sentence ("a PDF document"); `data`: all of it, or its beginning."""
    for at, mark, what in _OTHERS:
        if data.startswith(mark, at):
            return what
    text = _as_text(data[:2048])
    if text is not None:
        return next((what for mark, what in _TEXTS if mark in text.lower()), "text")
    return "no picture that is known here"


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
