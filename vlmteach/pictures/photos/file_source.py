"""Where a person's picture comes from: a path, bytes, or an upload."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any, NamedTuple

LARGEST_FILE = 256_000_000  # bytes; 64 million pixels, the most that load_picture takes, fit at 4 bytes each

_EXPECTED = "expected a path, the bytes of a picture file, or one upload"


class PictureFile(NamedTuple):
    """The bytes of one file, and how messages call it."""

    name: str
    data: bytes


def read_source(source: object) -> PictureFile:
    """The one file that `source` stands for.

    source: a path (str or os.PathLike); bytes, bytearray or memoryview; an ipywidgets FileUpload, its value (version 7:
    {name: {"content": …}}, version 8: a tuple of {"name": …, "content": …}) or one entry of that value; what Colab's
    files.upload() returns ({name: bytes}).

    Raises TypeError for anything else, FileNotFoundError when no file is at the path, and ValueError when it is no
    ordinary file, cannot be read, is empty or larger than LARGEST_FILE, or when the upload holds no file or several.
    """
    if isinstance(source, (str, os.PathLike)):
        file = _file_at(os.fsdecode(source))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        file = PictureFile("the picture", bytes(source))
    else:
        file = _uploaded(source)
    _check_length(file.name, len(file.data))
    return file


def _file_at(path: str) -> PictureFile:
    name = repr(os.path.basename(path) or path)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        hint = " Web addresses are not fetched: download the picture first." if "://" in path else ""
        raise FileNotFoundError(
            f"there is no file {path!r}; expected the path of a picture, absolute or from {os.getcwd()!r}.{hint}"
        ) from None
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise ValueError(f"{path!r} is a folder; expected the path of one picture file inside it.")
    if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device might never end
        raise ValueError(f"{path!r} is a pipe or a device; expected the path of an ordinary picture file.")
    _check_length(name, status.st_size)  # before it is read
    try:
        with open(path, "rb") as file:
            return PictureFile(name, file.read())
    except OSError as error:
        raise _unreadable(name, error) from error


def _uploaded(source: object) -> PictureFile:
    value = getattr(source, "value", source)  # of a widget
    files = _files_in(value)
    if files is None:
        raise TypeError(f"the picture's source is a {type(source).__name__}; {_EXPECTED}.{_hint(source)}")
    if not files:
        raise ValueError("nothing has been uploaded; expected one picture. Choose a file, then run this cell again.")
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ValueError(f"{len(files)} files were uploaded ({names}); expected one picture. Upload only that one.")
    return files[0]


def _files_in(value: Any) -> list[PictureFile] | None:
    """The files of an upload, or None when it is no upload."""
    if isinstance(value, Mapping) and {"name", "content"} <= set(value):  # one entry of ipywidgets 8
        entries = [(value["name"], value["content"])]
    elif isinstance(value, Mapping):  # Colab's, or ipywidgets 7's with the content one level down
        entries = [
            (name, entry.get("content") if isinstance(entry, Mapping) else entry) for name, entry in value.items()
        ]
    elif isinstance(value, (tuple, list)) and all(isinstance(entry, Mapping) for entry in value):  # ipywidgets 8
        entries = [(entry.get("name"), entry.get("content")) for entry in value]
    else:
        return None
    if not all(isinstance(name, str) and isinstance(data, (bytes, memoryview)) for name, data in entries):
        return None
    return [PictureFile(repr(name), bytes(data)) for name, data in entries]


def _hint(source: object) -> str:
    if hasattr(source, "read"):
        return " Of an open file pass what .read() returns, opened in binary mode."
    if hasattr(source, "shape"):
        return " An array or a tensor is a picture already: make it float32, (3, H, W), in [0, 1]."
    return ""


def _check_length(name: str, length: int) -> None:
    if not length:
        raise ValueError(f"{name} holds no bytes; expected a picture. Save or upload it again.")
    if length > LARGEST_FILE:
        raise ValueError(
            f"{name} holds {length / 1e6:.0f} MB; expected a picture of at most {LARGEST_FILE / 1e6:.0f} MB. "
            "Make it smaller in a picture program."
        )


def _unreadable(name: str, error: Exception) -> ValueError:
    return ValueError(f"{name} cannot be read ({error}); expected a picture file that this program may open.")
