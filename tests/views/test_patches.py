import numpy as np
import pytest

from vlmteach.views import alt_text, figure_html
from vlmteach.views import patches as views

COLOURS = np.linspace(0, 1, 4 * 4 * 3).reshape(4, 4, 3)
PICTURE = np.kron(COLOURS, np.ones((8, 8, 1)))


@pytest.mark.mpl_image_compare
def test_patches():
    figure = views.draw_patches(PICTURE, 8, token=6)
    assert "Patch 6 lies in row 1, column 2: 192 numbers" in alt_text(figure)
    return figure


@pytest.mark.parametrize("token", range(4))
def test_the_patch_shown_is_that_of_the_token(token):
    figure = views.draw_patches(PICTURE, 16, token)
    row, column = divmod(token, 2)
    shown = figure.axes[1].images[0].get_array()
    assert np.array_equal(shown, PICTURE[16 * row : 16 * row + 16, 16 * column : 16 * column + 16])
    frame = figure.axes[0].patches[-1]
    assert (frame.get_y(), frame.get_x()) == (16 * row, 16 * column)


@pytest.mark.mpl_image_compare
def test_patch_sizes():
    figure = views.draw_patch_sizes(PICTURE, [4, 8, 16], alone=[64e6, 16e6, 4e6], together=[32e6, 2e6, 0.1e6], chosen=8)
    text = alt_text(figure)
    assert "under patches of 8 pixels: 4 by 4 tokens" in text
    assert "4 pixels: 64 tokens, 96 million, 33% of it on pairs" in text
    return figure


@pytest.mark.mpl_image_compare
def test_filters():
    weights = np.random.default_rng(0).normal(size=(10, 3, 4, 4)) * np.arange(10)[:, None, None, None]
    figure = views.draw_filters(weights, columns=4)
    sheet = figure.axes[0].images[0].get_array()
    assert sheet.shape == (3 * 5 - 1, 4 * 5 - 1, 3)
    assert (sheet[:4, :4] == 0.5).all()  # the first filter is 0
    fifth = sheet[5:9, :4].transpose(2, 0, 1)
    np.testing.assert_allclose((2 * fifth - 1) * abs(weights[4]).max(), weights[4], atol=1e-12)
    assert (sheet[10:, 10:] == 1).all()  # there are only ten
    assert "10 filters of 4 × 4 pixels" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_bag_of_patches():
    figure = views.draw_bag_of_patches(PICTURE, PICTURE[::-1], {"no positions": 0.0, "a place for each": 0.25})
    assert "no positions: below 1e-5; a place for each: 0.25" in alt_text(figure)
    return figure


@pytest.mark.parametrize("rounding", [1.2e-7, 1.8e-7, 9e-6])
def test_neither_words_nor_picture_of_a_change_depend_on_rounding(rounding):
    none, some = (views.draw_bag_of_patches(PICTURE, PICTURE, {"no positions": change}) for change in (0.0, rounding))
    assert figure_html(some) == figure_html(none)


@pytest.mark.mpl_image_compare
def test_position_similarity():
    near = np.exp(-np.abs(np.arange(4)[:, None] - 1) - np.abs(np.arange(5) - 2.0))
    figure = views.draw_position_similarity({"near": near, "flat": np.zeros((4, 5))}, row=1, column=2)
    text = alt_text(figure)
    assert "row 1, column 2" in text
    assert f"near: other cells from {near.min():.2f} to 0.37" in text  # the cell itself, 1.00, does not count
    assert "flat: other cells from 0.00 to 0.00" in text
    return figure


@pytest.mark.mpl_image_compare
def test_waves():
    rows = np.arange(14)[:, None]
    figure = views.draw_waves(np.concatenate([np.sin(rows / 4.0 ** np.arange(4)), np.ones((14, 4))], axis=1), [0, 1, 3])
    # sin y is negative for 4 to 6 and 10 to 12; sin(y / 4) is so for 13; row 0 has no sign
    assert alt_text(figure).endswith("number 0: 4, number 1: 1, number 3: 0.")
    return figure
