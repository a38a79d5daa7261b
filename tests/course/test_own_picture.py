"""The lesson's own picture: uploads taken, refused with a sentence, and said so in the page."""

import ipywidgets
import pytest
import torch
from PIL import Image
from support.picture_files import RGB, save

from vlmteach.course.own_picture import LONGEST_SIDE, OwnPicture
from vlmteach.pictures import load_picture, photograph

PNG = save(RGB, "PNG")
JUNK = b"%PDF-1.7 a page"


def upload(mine: OwnPicture, name: str, data: bytes) -> None:
    """What a browser sends when a person chooses a file, to the installed version of ipywidgets."""
    if ipywidgets.__version__.startswith("7."):
        metadata = [{"name": name, "type": "image/png", "size": len(data), "lastModified": 1}]
        counter = mine.upload._counter + 1
        mine.upload.set_state({"metadata": metadata, "data": [memoryview(data)], "_counter": counter})
    else:
        entry = {"name": name, "type": "image/png", "size": len(data), "content": memoryview(data), "last_modified": 1}
        mine.upload.set_state({"value": [entry]})


def test_it_starts_with_the_courses_photograph_uncut() -> None:
    mine = OwnPicture()
    assert torch.equal(mine.picture, photograph(height=606, width=512))
    assert "photograph: 606 × 512 pixels" in mine.shown.value or "606 by 512" in mine.shown.value
    assert mine.notes.value == ""


def test_an_uploaded_picture_becomes_the_picture_and_is_shown() -> None:
    mine = OwnPicture()
    before = mine.shown.value
    upload(mine, "cat.png", PNG)
    assert torch.equal(mine.picture, load_picture(PNG))
    assert mine.shown.value != before
    assert "your picture: a picture of 12 by 16 pixels" in mine.shown.value
    assert "Run the cells below again" in mine.notes.value


def test_a_bad_upload_keeps_the_picture_and_says_why_without_markup_of_its_own() -> None:
    mine = OwnPicture()
    upload(mine, "cat.png", PNG)
    shown = mine.shown.value
    upload(mine, "<b>page.pdf", JUNK)
    assert torch.equal(mine.picture, load_picture(PNG))
    assert mine.shown.value == shown
    assert "Not taken." in mine.notes.value
    assert "&lt;b&gt;page.pdf" in mine.notes.value
    assert "expected jpeg, png" in mine.notes.value
    upload(mine, "cat.png", PNG)
    assert "Not taken." not in mine.notes.value


def test_an_upload_of_which_nothing_arrives_says_so_and_keeps_the_picture() -> None:
    mine = OwnPicture()
    before = mine.picture
    mine._uploaded(None)  # the value is still empty
    assert "Nothing has arrived." in mine.notes.value
    assert mine.picture is before


def test_on_colab_a_line_beside_the_button_says_what_it_loses_and_what_to_run(monkeypatch) -> None:
    assert len(OwnPicture().children) == 3
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    mine = OwnPicture()
    button, hint, *_ = mine.children
    assert button is mine.upload
    assert "loses files of 1 MB and more" in hint.value
    assert "mine.take(files.upload())" in hint.value
    mine._uploaded(None)
    assert "loses files of 1 MB and more" in mine.notes.value


def test_a_photograph_of_many_pixels_is_read_at_a_part_of_its_size() -> None:
    mine = OwnPicture()
    upload(mine, "phone.jpg", save(RGB.resize((2 * LONGEST_SIDE, 1400)), "JPEG"))
    assert mine.picture.shape == (3, 700, LONGEST_SIDE)
    assert "read 1400 x 1792 pixels at 700 x 896." in mine.notes.value
    assert "made smaller" not in mine.notes.value


def test_what_was_done_to_a_picture_is_said() -> None:
    turned = Image.Exif()
    turned[274] = 6
    mine = OwnPicture()
    upload(mine, "phone.jpg", save(RGB, "JPEG", exif=turned))
    assert mine.picture.shape == (3, 16, 12)
    assert "turned upright" in mine.notes.value


def test_a_large_picture_is_made_smaller_without_stretching_and_says_so() -> None:
    mine = OwnPicture()
    mine.take(save(RGB.resize((1792, 1344)), "PNG"))
    assert mine.picture.shape == (3, 672, LONGEST_SIDE)
    assert "from 1344 × 1792 to 672 × 896 pixels" in mine.notes.value
    low, high = mine.picture.aminmax()
    assert low >= 0
    assert high <= 1


def test_taking_by_hand_raises_what_loading_raises_and_changes_nothing() -> None:
    mine = OwnPicture()
    before = mine.picture
    with pytest.raises(ValueError, match="cannot be read"):
        mine.take(JUNK)
    assert mine.picture is before


def test_its_text_is_short_and_the_same_for_every_picture_of_a_size() -> None:
    assert repr(OwnPicture()) == "OwnPicture(606 × 512 pixels)"
