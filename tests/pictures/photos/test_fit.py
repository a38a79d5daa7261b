import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.picture_files import RGB, save

from vlmteach.pictures import fit_picture, load_picture, normalise, photograph
from vlmteach.pictures.photos.fit import middle_box

SIDES = st.integers(1, 40)


@given(height=SIDES, width=SIDES, new_height=SIDES, new_width=SIDES)
@settings(max_examples=60, deadline=None)
def test_a_picture_of_any_size_gets_any_other(height, width, new_height, new_width) -> None:
    fitted = fit_picture(torch.full((3, height, width), 0.25), new_height, new_width)
    assert fitted.shape == (3, new_height, new_width)
    assert fitted.dtype == torch.float32
    assert torch.allclose(fitted, torch.tensor(0.25))


@given(height=st.integers(1, 5000), width=st.integers(1, 5000), new_height=SIDES, new_width=SIDES)
@example(height=22, width=233, new_height=1, new_width=11)  # 11 * (233 / 11) is more than 233
@example(height=233, width=22, new_height=11, new_width=1)
@settings(deadline=None)
def test_the_crop_lies_in_the_middle_touches_two_sides_and_has_the_shape(height, width, new_height, new_width) -> None:
    left, top, right, bottom = middle_box(height, width, new_height, new_width)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert left == pytest.approx(width - right, abs=1e-6)
    assert top == pytest.approx(height - bottom, abs=1e-6)
    assert (right - left) * new_height == pytest.approx((bottom - top) * new_width)
    assert min(left, top) == pytest.approx(0, abs=1e-6)


def test_the_same_size_changes_nothing() -> None:
    picture = load_picture(save(RGB, "PNG"))
    assert torch.equal(fit_picture(picture, 12, 16), picture)


def test_it_crops_as_the_photograph_is_cropped() -> None:
    whole = photograph(height=600, width=512)  # the file's own size: neither cropped nor resized
    for height, width in [(64, 64), (96, 200)]:
        difference = (fit_picture(whole, height, width) - photograph(height=height, width=width)).abs()
        assert difference.mean() < 1 / 255  # Pillow rounds the photograph's bytes between its two passes
        assert difference.max() < 0.03


def test_making_smaller_averages_over_all_pixels() -> None:
    stripes = torch.zeros(3, 64, 64)
    stripes[:, :, ::2] = 1
    assert (fit_picture(stripes, 8, 8)[:, 1:-1, 1:-1] - 0.5).abs().max() < 0.02


def test_an_edge_stays_within_the_range() -> None:
    edge = torch.zeros(3, 8, 8)
    edge[:, :, 4:] = 1
    fitted = fit_picture(edge, 32, 32)
    assert fitted.min() == 0
    assert fitted.max() == 1


BAD = {
    "list": ([[0.5]], TypeError, "is list; expected a floating-point tensor"),
    "bytes": (torch.zeros(3, 8, 8, dtype=torch.uint8), TypeError, "is torch.uint8; expected a floating-point tensor"),
    "batch": (torch.zeros(2, 3, 8, 8), ValueError, r"shape \(2, 3, 8, 8\); expected \(3, H, W\)"),
    "grey": (torch.zeros(1, 8, 8), ValueError, r"shape \(1, 8, 8\); expected \(3, H, W\)"),
    "empty": (torch.zeros(3, 0, 8), ValueError, r"shape \(3, 0, 8\); expected \(3, H, W\)"),
    "normalised": (normalise(torch.zeros(3, 8, 8)), ValueError, r"expected \[0, 1\]\. Fit before you normalise"),
    "NaN": (torch.full((3, 8, 8), torch.nan), ValueError, r"from nan to nan; expected \[0, 1\]"),
}


@pytest.mark.parametrize(("picture", "error", "words"), BAD.values(), ids=BAD.keys())
def test_another_kind_of_picture_is_refused(picture, error, words) -> None:
    with pytest.raises(error, match=words):
        fit_picture(picture)


@pytest.mark.parametrize(("height", "width"), [(0, 10), (10, -1)])
def test_a_side_below_one_is_refused(height, width) -> None:
    with pytest.raises(ValueError, match="expected sides of 1 or more"):
        fit_picture(torch.zeros(3, 8, 8), height, width)
