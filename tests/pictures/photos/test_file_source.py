import io
import os
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import torch
from support.picture_files import RGB, save

from vlmteach.pictures import load_picture
from vlmteach.pictures.photos.file_source import LARGEST_FILE, read_source

PNG = save(RGB, "PNG")


def entry_of_7(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "type": "image/png", "size": len(PNG), "lastModified": 1}, "content": PNG}


def entry_of_8(name: str) -> dict[str, object]:
    return {"name": name, "type": "image/png", "size": len(PNG), "content": memoryview(PNG), "last_modified": 1}


def widget(*names: str) -> ipywidgets.FileUpload:
    """The installed version's own widget, filled by the message that a browser sends."""
    upload = ipywidgets.FileUpload(multiple=True)
    if ipywidgets.__version__.startswith("7."):
        metadata = [entry_of_7(name)["metadata"] for name in names]
        upload.set_state({"metadata": metadata, "data": [memoryview(PNG) for _ in names], "_counter": len(names)})
    else:
        upload.set_state({"value": [entry_of_8(name) for name in names]})
    return upload


class Widget7:
    """What matters of a FileUpload of version 7."""

    def __init__(self, *names: str) -> None:
        self.value = {name: entry_of_7(name) for name in names}


UPLOADS = {
    "the installed widget": widget("cat.png"),
    "the value of version 8": (entry_of_8("cat.png"),),
    "the only entry of version 8": entry_of_8("cat.png"),
    "a list of one entry": [entry_of_8("cat.png")],
    "the widget of version 7": Widget7("cat.png"),
    "the value of version 7": {"cat.png": entry_of_7("cat.png")},
    "Colab's": {"cat.png": PNG},
    "Colab's, of an odd name": {"content": PNG},
}


@pytest.mark.parametrize("source", UPLOADS.values(), ids=UPLOADS.keys())
def test_an_upload_is_its_one_file(source) -> None:
    name, data = read_source(source)
    assert data == PNG
    assert name in {"'cat.png'", "'content'"}
    assert torch.equal(load_picture(source), load_picture(PNG))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_the_file_itself(kind) -> None:
    assert read_source(kind(PNG)) == ("the picture", PNG)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_read(kind, tmp_path) -> None:
    path = tmp_path / "Käse & Brot.png"
    path.write_bytes(PNG)
    assert read_source(kind(path)) == ("'Käse & Brot.png'", PNG)


NO_UPLOADS = {
    "the installed widget": widget(),
    "the value of version 8": (),
    "the widget of version 7": Widget7(),
    "Colab's": {},
}


@pytest.mark.parametrize("source", NO_UPLOADS.values(), ids=NO_UPLOADS.keys())
def test_an_empty_upload_is_refused(source) -> None:
    with pytest.raises(ValueError, match=r"nothing has been uploaded; expected one picture\. Choose a file"):
        load_picture(source)


SEVERAL = {
    "the installed widget": widget("cat.png", "dog.png"),
    "the widget of version 7": Widget7("cat.png", "dog.png"),
    "Colab's": {"cat.png": PNG, "dog.png": PNG},
}


@pytest.mark.parametrize("source", SEVERAL.values(), ids=SEVERAL.keys())
def test_several_uploads_are_refused_by_name(source) -> None:
    with pytest.raises(ValueError, match=r"2 files were uploaded \('cat.png', 'dog.png'\); expected one"):
        load_picture(source)


def test_an_uploaded_file_without_bytes_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'cat.png' holds no bytes; expected a picture"):
        load_picture({"cat.png": b""})


OTHER_TYPES = {
    "None": (None, "is a NoneType; expected a path"),
    "number": (7, "is a int; expected a path"),
    "open file": (io.BytesIO(PNG), r"what \.read\(\) returns"),
    "pillow": (RGB, "is a Image; expected a path"),
    "array": (np.zeros((4, 4, 3)), "is a picture already"),
    "tensor": (torch.zeros(3, 4, 4), "is a picture already"),
    "slider": (ipywidgets.IntSlider(), "is a IntSlider; expected a path"),
    "paths": (["cat.png", "dog.png"], "is a list; expected a path"),
    "dict of numbers": ({"cat.png": 7}, "is a dict; expected a path"),
    "dict of texts": ({"cat.png": "iVBORw0KGgo="}, "is a dict; expected a path"),
    "dict without content": ({"cat.png": {"metadata": {}}}, "is a dict; expected a path"),
}


@pytest.mark.parametrize(("source", "words"), OTHER_TYPES.values(), ids=OTHER_TYPES.keys())
def test_another_type_is_refused(source, words) -> None:
    with pytest.raises(TypeError, match=words):
        load_picture(source)


def test_a_missing_file_is_named_with_the_folder_it_was_looked_for_in(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no file 'cat\.png'; expected .* from '.*'\.$") as caught:
        load_picture("cat.png")
    assert repr(str(tmp_path)) in str(caught.value)
    with pytest.raises(FileNotFoundError, match="there is no file ''"):
        load_picture("")


def test_a_web_address_is_not_fetched() -> None:
    with pytest.raises(FileNotFoundError, match="Web addresses are not fetched: download the picture first"):
        load_picture("https://example.org/cat.png")


def test_a_folder_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="is a folder; expected the path of one picture file inside it"):
        load_picture(tmp_path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="is a pipe or a device"):
        load_picture(pipe)


@pytest.mark.parametrize("path", ["cat\0.png", "cat/" * 2000, "x" * 300])
def test_a_path_that_no_file_can_have_is_refused(path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        load_picture(path)


def test_a_file_that_may_not_be_opened_is_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)

    def forbidden(*arguments) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    with pytest.raises(ValueError, match=r"'cat\.png' cannot be read \(\[Errno 13\] Permission denied\)"):
        load_picture(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path, monkeypatch) -> None:
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 500_000_000)  # a hole: takes no room on the disk
    monkeypatch.setattr("builtins.open", None)
    with pytest.raises(ValueError, match=r"'film\.mp4' holds 756 MB; expected a picture of at most 256 MB"):
        load_picture(path)
