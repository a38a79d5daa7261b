import numpy as np
import pytest

from vlmteach.views import CNN_HUE, alt_text
from vlmteach.views.weighing import draw_weight_against_change

PICTURE = np.stack([np.mgrid[0:40, 0:40][0] / 40] * 3, axis=-1)
WEIGHTS = np.arange(16.0).reshape(4, 4) / 120
CHANGE = WEIGHTS.T.copy() + 0.01


@pytest.mark.mpl_image_compare
def test_weights_beside_changes():
    figure = draw_weight_against_change(PICTURE, WEIGHTS, CHANGE, "a network, made up", CNN_HUE)
    assert "The largest weight, 0.125, lies in row 3, column 3 of 4 by 4 cells (counted from 0)" in alt_text(figure)
    assert "Of the 1 cells with the largest weights, 1 are among the 1 that change most" in alt_text(figure)
    return figure


def test_each_cell_is_one_dot_at_its_weight_and_change():
    dots = draw_weight_against_change(PICTURE, WEIGHTS, CHANGE, "title", CNN_HUE).axes[3].lines[0]
    assert dots.get_xdata()[6] == WEIGHTS[1, 2]
    assert dots.get_ydata()[6] == CHANGE[1, 2]


def test_the_dashed_line_is_an_even_share():
    line = draw_weight_against_change(PICTURE, WEIGHTS, CHANGE, "title", CNN_HUE).axes[3].lines[1]
    assert line.get_xdata()[0] == 1 / 16
