import numpy as np
import pytest

from vlmteach.views import alt_text, figure_html
from vlmteach.views import theorem as views


def bags():
    """Two boards of 4 x 4 pixels and their 6 windows; the last one differs."""
    rng = np.random.default_rng(0)
    bag = np.round(rng.random((6, 3, 3, 3)), 2)
    other = bag.copy()
    other[5] = 0
    return [rng.random((4, 4, 3)), rng.random((4, 4, 3))], [bag, other]


@pytest.mark.mpl_image_compare
def test_bags():
    pictures, windows = bags()
    figure = views.draw_bags(pictures, windows, ["red left ? yes", "red left ? no"], columns=4)
    assert "one by one: 5 of 6." in alt_text(figure)
    return figure


def test_a_mosaic_shows_every_window_on_white():
    _, (bag, _) = bags()
    canvas = views._mosaic(bag, columns=4)

    assert canvas.shape == (9, 21, 3)
    assert np.array_equal(canvas[:3, :3], bag[0])
    assert np.array_equal(canvas[6:9, 6:9], bag[5])
    assert (canvas[6:9, 12:] == 1).all()


@pytest.mark.mpl_image_compare
def test_differences():
    names = ["all conditions kept", "exactly equal", "zero padding", "positions added"]
    figure = views.draw_differences(names, [3e-16, 0.0, 1.2e-3, 4e-2], limit=1e-12)
    text = alt_text(figure)
    assert "all conditions kept: equal; exactly equal: equal; zero padding: 0.0012; positions added: 0.04." in text
    return figure


@pytest.mark.parametrize("rounding", [4e-17, 2e-15, 1e-12])
def test_neither_words_nor_picture_of_what_is_equal_depend_on_rounding(rounding):
    none, some = (views.draw_differences(["kept"], [difference], limit=1e-12) for difference in (0.0, rounding))
    assert figure_html(some) == figure_html(none)
