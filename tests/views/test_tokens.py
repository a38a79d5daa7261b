import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views import tokens as views

COLOURS = np.linspace(0, 1, 4 * 4 * 3).reshape(4, 4, 3)
PICTURE = np.kron(COLOURS, np.ones((16, 16, 1)))
GRID = np.arange(16.0).reshape(4, 4)


@pytest.mark.mpl_image_compare
def test_feature_maps():
    maps = np.stack([GRID, GRID[::-1], GRID.T])
    figure = views.draw_feature_maps(PICTURE, maps, channels=[0, 1, 2])
    assert "channel 0 is largest in row 3, column 3, channel 1 is largest in row 0, column 3" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_token_with_its_field():
    figure = views.draw_token(PICTURE, GRID, token=6, field=(-8, 8, 40, 56))
    text = alt_text(figure)
    assert "Token 6 is row 1, column 2 of a 4 by 4 grid" in text
    assert "rows 16 to 32 and columns 32 to 48" in text
    assert "covers 47% of the picture" in text  # 40 * 48 of 64 * 64: what is outside does not count
    return figure


@pytest.mark.parametrize("token", range(16))
def test_a_token_lights_up_its_own_cell(token):
    figure = views.draw_token(PICTURE, GRID, token)
    frame = figure.axes[0].patches[-1]
    assert (frame.get_y(), frame.get_x()) == (16 * (token // 4), 16 * (token % 4))
    assert "receptive field" not in alt_text(figure)


@pytest.mark.mpl_image_compare
def test_reshape():
    wrong = COLOURS.transpose(2, 0, 1).reshape(4, 4, 3)
    figure = views.draw_reshape(COLOURS, wrong)
    moved = np.any(np.abs(COLOURS - wrong) > 1 / 255, axis=-1).mean()
    assert f"{moved:.0%} of the cells" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_shuffle():
    order = np.array([1, 0, 2, *range(3, 16)])
    figure = views.draw_shuffle(COLOURS, order)
    assert "with 2 of them moved" in alt_text(figure)
    panels = [axis.images[0].get_array() for axis in figure.axes]
    assert np.array_equal(panels[2], COLOURS)
    assert np.array_equal(panels[1][0, 0], COLOURS[0, 1])
    assert np.allclose(panels[3], COLOURS.mean(axis=(0, 1)))
    return figure


@pytest.mark.mpl_image_compare
def test_token_counts():
    figure = views.draw_token_counts(["grid", "vector"], [196, 1], [512, 2048])
    assert "grid: 196 tokens of width 512; vector: 1 token of width 2048" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_two_encoders():
    figure = views.draw_two_encoders(PICTURE, cells=(4, 4), patches=(2, 2))
    assert "4 by 4 stride cells of a CNN and under the 2 by 2 patches of a ViT" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_course_map():
    figure = views.draw_course_map([(1, "grid", "cells become\ntokens"), (2, "field", "who sees\nwhat?")])
    assert "lesson 1, grid: cells become tokens; lesson 2, field: who sees what?" in alt_text(figure)
    return figure
