import numpy as np
import pytest

from vlmteach.views import CNN_HUE, VIT_HUE, alt_text
from vlmteach.views.similar import Likeness, draw_similar

PICTURE = np.stack([np.mgrid[0:56, 0:56][0] / 56, np.mgrid[0:56, 0:56][1] / 56, np.full((56, 56), 0.3)], axis=-1)


def near(rows: int) -> np.ndarray:
    """Likeness that falls with distance: cell (1, 2) of 4 x 4 is most like its neighbours."""
    row, column = np.mgrid[0:rows, 0:rows] / rows
    away = np.hypot(row[:, :, None, None] - row, column[:, :, None, None] - column)
    return np.exp(-away)


ONES = [Likeness("a CNN, untrained", CNN_HUE, near(4)), Likeness("a ViT, untrained", VIT_HUE, near(7) ** 2)]


@pytest.mark.mpl_image_compare
def test_two_encoders():
    figure = draw_similar(PICTURE, ONES, (0.4, 0.6))
    assert alt_text(figure).count("counted from 0") == 1
    assert "a CNN, untrained: row 1, column 2 of 4 by 4, most like row" in alt_text(figure)
    assert "a ViT, untrained: row 2, column 4 of 7 by 7" in alt_text(figure)
    return figure


def test_the_most_alike_place_is_plain_and_the_least_alike_is_paper():
    panel = draw_similar(PICTURE, ONES[:1], (0.4, 0.6)).axes[1]
    shown = np.asarray(panel.images[0].get_array())
    assert np.allclose(shown[42:, :14], 1)  # the lower left cell, the farthest
    assert np.allclose(shown[14:28, 28:42], PICTURE[14:28, 28:42])  # the asked one


def test_the_framed_cells_are_the_most_similar_ones_and_not_the_asked_one():
    table = np.zeros((3, 3, 3, 3))
    table[1, 1] = [[0.1, 0.9, 0.2], [0.3, 1.0, 0.8], [0.0, 0.1, 0.7]]
    panel = draw_similar(PICTURE, [Likeness("x", CNN_HUE, table)], (0.5, 0.5), nearest=3).axes[1]
    cell = 56 / 3
    corners = {(round(p.get_y() / cell), round(p.get_x() / cell)) for p in panel.patches}
    assert corners == {(0, 1), (1, 2), (2, 2), (1, 1)}
    assert panel.get_xlabel() == "most alike 0.90, mean 0.39"
