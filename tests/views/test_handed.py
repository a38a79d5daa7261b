import numpy as np
import pytest

from vlmteach.views import CNN_HUE, VIT_HUE, alt_text
from vlmteach.views.handed import Handed, draw_handed


def grid(rows: int, columns: int, num_prefix_tokens: int = 0) -> np.ndarray:
    row, column = np.mgrid[0:rows, 0:columns].reshape(2, -1)
    placed = np.stack([row / rows, column / columns, (row + 1) / rows, (column + 1) / columns], axis=-1)
    return np.concatenate([np.tile([0.0, 0, 1, 1], (num_prefix_tokens, 1)), placed])


def picture(height: int, width: int) -> np.ndarray:
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([down / height, across / width, 0.5 + 0 * down], axis=-1)


SQUARE = [
    Handed("a CNN", CNN_HUE, picture(64, 64), grid(2, 2), 0, 2048),
    Handed("a ViT", VIT_HUE, picture(64, 64), grid(4, 4, 1), 1, 384),
    Handed("with registers", VIT_HUE, picture(64, 64), grid(5, 5, 5), 5, 384),
    Handed("another CNN", CNN_HUE, picture(64, 64), grid(8, 8), 0, 512),
]


@pytest.mark.mpl_image_compare
def test_four_encoders():
    figure = draw_handed(SQUARE)
    assert "a CNN: 4 tokens with a place and 0 without, 2048 numbers each" in alt_text(figure)
    assert "with registers: 25 tokens with a place and 5 without" in alt_text(figure)
    assert [axis.get_xlabel() for axis in figure.axes[:3]] == [
        "4 tokens × 2048",
        "1 + 16 tokens × 384",
        "5 + 25 tokens × 384",
    ]
    return figure


@pytest.mark.mpl_image_compare
def test_wide_pictures():
    wide = [one._replace(picture=picture(32, 64), boxes=grid(2, 4, one.num_prefix_tokens)) for one in SQUARE[:3]]
    return draw_handed(wide)


def test_a_box_is_drawn_in_the_pixels_it_stands_for():
    lines = draw_handed([SQUARE[0]]).axes[0].collections[0]
    corners = lines.get_paths()[1].vertices  # the upper right of 2 x 2 cells of a picture of 64 x 64
    assert corners[:, 0].min() == 32
    assert corners[:, 0].max() == 64
    assert corners[:, 1].min() == 0
    assert corners[:, 1].max() == 32


def test_tokens_without_a_place_have_no_box():
    assert len(draw_handed([SQUARE[2]]).axes[0].collections[0].get_paths()) == 25
