import numpy as np
import pytest

from vlmteach.views import MUTED, VIT_HUE, alt_text
from vlmteach.views.parts import _colours, draw_parts

DRAWN = np.random.default_rng(0)
PICTURES = {name: DRAWN.random((32, 32, 3)) for name in ("cat", "coffee")}
HALVES = np.zeros((2, 8, 8, 3))
HALVES[:, :, 4:] = 1
NOISE = DRAWN.standard_normal((2, 8, 8, 3))


@pytest.mark.mpl_image_compare
def test_parts_of_two_pictures_by_two_encoders():
    figure = draw_parts(PICTURES, [("trained", VIT_HUE, HALVES), ("untrained", MUTED, NOISE)])
    assert alt_text(figure).startswith("cat, coffee, and for each encoder")
    return figure


def test_the_words_say_how_much_neighbours_differ():
    text = alt_text(draw_parts(PICTURES, [("halves", VIT_HUE, HALVES), ("noise", MUTED, NOISE)]))
    shares = text.rpartition("squared: ")[2].split(";")
    halves, noise = (int(share.rpartition(" ")[2].rstrip("%.")) for share in shares)
    assert halves < 20 < 80 < noise


def test_colours_are_shared_between_pictures_and_one_outlier_does_not_take_the_contrast():
    coordinates = np.linspace(0, 1, 2 * 20 * 20 * 3).reshape(2, 20, 20, 3)
    coordinates[0, 0, 0] = 1000
    colours = _colours(coordinates)
    assert 0 <= colours.min() < 0.05 < 0.95 < colours.max() <= 1
    assert colours[0, 1:].max() < colours[1].min() + 0.02  # the second picture goes on where the first ends
    assert np.isfinite(_colours(np.ones((1, 2, 2, 3)))).all()
