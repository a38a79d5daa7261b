import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageFile
from support.odd_pictures import LOADS, REFUSED, Loads, Refused, exif_of
from support.picture_files import COLOURS, RGB, bits_png, jpeg_with_size, save, several, turned

from vlmteach.pictures import load_picture
from vlmteach.pictures.photos import load


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


SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[0:200:64j, 40:240:96j], 90), axis=-1).astype(np.uint8)  # 64 x 96


@pytest.mark.parametrize(
    ("enough", "part"), [(None, 1), (97, 1), (96, 1), (49, 1), (48, 2), (25, 2), (24, 4), (12, 8), (1, 8)]
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_read_at_the_smallest_part_of_its_size_that_is_enough(enough, part, mode) -> None:
    image = Image.fromarray(SMOOTH).convert(mode)
    told: list[str] = []
    picture = load_picture(save(image, "JPEG", quality=95), enough=enough, tell=told.append)
    full = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1) / 255
    assert picture.shape == (3, 64 // part, 96 // part)
    assert (picture - torch.nn.functional.avg_pool2d(full, part)).abs().max() < 0.05
    assert [line for line in told if "read" in line] == (
        [f"the picture: read 64 x 96 pixels at {64 // part} x {96 // part}."] if part > 1 else []
    )


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_other_files_are_read_at_their_full_size(kind) -> None:
    assert load_picture(save(SMOOTH, kind), enough=1).shape == (3, 64, 96)


def test_part_of_a_photograph_is_turned_like_all_of_it() -> None:
    photograph = save(np.rot90(SMOOTH), "JPEG", exif=exif_of(6), quality=95)
    part = load_picture(photograph, enough=48, tell=ignore)
    assert part.shape == (3, 32, 48)
    assert part[1, 0, 0] < part[1, 0, -1]  # green grows rightwards in the upright picture


@pytest.mark.parametrize(
    ("most", "shape"), [(96 * 64, (64, 96)), (96 * 64 - 1, (32, 48)), (48 * 32, (32, 48)), (48 * 32 - 1, None)]
)
def test_a_jpeg_of_too_many_pixels_is_read_at_a_half_and_refused_beyond_that(monkeypatch, most, shape) -> None:
    monkeypatch.setattr(load, "MOST_PIXELS", most)
    monkeypatch.setattr(load, "MOST_JPEG_PIXELS", 4 * most)
    told: list[str] = []
    if shape is None:
        with pytest.raises(ValueError, match=r"has 64 x 96 pixels\. Expected at most"):
            load_picture(save(SMOOTH, "JPEG"))
    else:
        assert load_picture(save(SMOOTH, "JPEG"), tell=told.append).shape == (3, *shape)
        assert len(told) == (shape != (64, 96))


@pytest.mark.parametrize(
    ("height", "width", "part"), [(9_000, 12_000, 8), (12_240, 16_320, 8)], ids=["108 million", "200 million"]
)
def test_the_largest_photographs_of_phones_are_read_in_little_memory(height, width, part) -> None:
    photograph = jpeg_with_size(height, width)  # grey where its bytes end
    assert load_picture(photograph, enough=800, tell=ignore).shape == (3, height // part, width // part)


def test_a_size_below_one_pixel_is_never_enough() -> None:
    with pytest.raises(ValueError, match="enough is 0; expected 1 or more"):
        load_picture(save(RGB, "JPEG"), enough=0)
