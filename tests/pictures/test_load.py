import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageFile
from support.odd_pictures import LOADS, REFUSED, Loads, Refused
from support.picture_files import COLOURS, RGB, bits_png, save, several, turned

from vlmteach.pictures import load_picture


def by_name(row: Loads | Refused) -> str:
    return row.name


@pytest.mark.parametrize("odd", LOADS, ids=by_name)
def test_an_odd_picture_shows_what_it_should_and_says_what_was_done(odd, tmp_path, capsys) -> None:
    path = tmp_path / odd.name
    path.write_bytes(odd.make())
    told: list[str] = []
    picture = load_picture(path, tell=told.append)

    shows = odd.shows if odd.shows.ndim == 3 else np.stack([odd.shows] * 3, axis=-1)
    assert picture.shape == (3, *shows.shape[:2])
    assert picture.dtype == torch.float32
    assert picture.is_contiguous()
    assert 0 <= picture.min() <= picture.max() <= 1
    assert np.abs(picture.permute(1, 2, 0).numpy() - shows).max() <= odd.within

    assert len(told) == len(odd.told), told
    for line, words in zip(told, odd.told, strict=True):
        assert line.startswith(f"{odd.name!r}: ")
        assert words in line
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("odd", REFUSED, ids=by_name)
def test_a_bad_file_is_refused_with_a_sentence(odd, tmp_path, capsys) -> None:
    path = tmp_path / odd.name
    path.write_bytes(odd.make())
    told: list[str] = []
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words stand in the table
        load_picture(path, tell=told.append)
    sentence = str(caught.value)
    assert type(caught.value) is ValueError
    assert sentence.startswith(repr(odd.name))
    assert odd.says in sentence
    assert "xpected" in sentence or "Get the file again" in sentence  # what to do instead
    assert " at 0x" not in sentence
    assert told == []
    assert capsys.readouterr() == ("", "")


def test_the_tables_are_long_and_their_names_differ() -> None:
    names = [odd.name for odd in [*LOADS, *REFUSED]]
    assert len(names) == len(set(names))
    assert len(LOADS) >= 40
    assert len(REFUSED) >= 40


@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
@settings(max_examples=40, deadline=None)
def test_any_picture_comes_back_exactly_from_png(pixels) -> None:
    expected = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    assert torch.equal(load_picture(save(pixels, "PNG")), expected)


@given(values=arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9))))
@settings(max_examples=40, deadline=None)
def test_any_grey_of_16_bits_keeps_every_bit(values) -> None:
    picture = load_picture(save(values, "PNG"))
    assert torch.equal(picture[0], picture[2])
    assert np.array_equal((picture[0].double() * 65535).round().numpy(), values)


WHOLE = {
    "png": save(RGB, "PNG"),
    "jpeg": save(RGB, "JPEG"),
    "webp": save(RGB, "WEBP"),
    "gif": several("GIF"),
    "bmp": save(RGB, "BMP"),
    "tiff": save(RGB, "TIFF"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_off_anywhere_is_refused_unless_only_its_ending_is_missing(kind) -> None:
    data = WHOLE[kind]
    whole, refused = load_picture(data, tell=ignore), 0
    for cut in range(1, len(data), 7):
        try:
            picture = load_picture(data[:cut], tell=ignore)
        except ValueError:
            refused += 1
        else:
            assert torch.equal(picture, whole)
    assert refused >= len(range(1, len(data), 7)) / 2


@given(kind=st.sampled_from(sorted(WHOLE)), changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255))))
@settings(max_examples=150, deadline=None)
def test_changed_bytes_give_a_picture_or_a_value_error(kind, changes) -> None:
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[place % len(data)] = value
    try:
        picture = load_picture(bytes(data), tell=ignore)
    except ValueError:
        return
    assert picture.shape[0] == 3
    assert 0 <= picture.min() <= picture.max() <= 1


def test_what_was_done_is_printed_unless_told_elsewhere(capsys) -> None:
    load_picture(turned("PNG", 3))
    assert capsys.readouterr() == ("the picture: turned upright, as its EXIF orientation (3) asks.\n", "")


def test_each_thing_that_was_done_has_its_line() -> None:
    told: list[str] = []
    exif = Image.Exif()
    exif[274] = 6
    frames = [Image.new("RGBA", (9, 12), (255, 0, 0, 128)), Image.new("RGBA", (9, 12), (0, 0, 255, 128))]
    moving = save(frames[0], "WEBP", save_all=True, append_images=frames[1:], exif=exif, lossless=True)
    assert load_picture(moving, tell=told.append).shape == (3, 9, 12)
    assert len(told) == 3


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_an_orientation_that_turns_nothing_is_not_mentioned(orientation) -> None:
    told: list[str] = []
    assert load_picture(turned("PNG", orientation), tell=told.append).shape == (3, 12, 16)
    assert told == []


def test_pillow_and_the_warnings_are_left_as_they_were() -> None:
    filters, limit, truncated = list(warnings.filters), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    load_picture(save(RGB, "PNG"))
    with pytest.raises(ValueError, match="million"):
        load_picture(bits_png(12_000))
    assert warnings.filters == filters
    assert limit == Image.MAX_IMAGE_PIXELS
    assert truncated == ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_large_picture_is_refused_before_it_is_unpacked(monkeypatch) -> None:
    def unpacked(self) -> None:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(ImageFile.ImageFile, "load", unpacked)
    with pytest.raises(ValueError, match="million pixels"):
        load_picture(bits_png(12_000))


def test_the_picture_may_be_written_to() -> None:
    picture = load_picture(save(RGB, "PNG"))
    picture[:] = 0
    assert torch.equal(load_picture(save(RGB, "PNG")), torch.from_numpy(COLOURS).permute(2, 0, 1).float())


def ignore(line: str) -> None:
    """For tests in which it does not matter what was told."""
