import itertools

import numpy as np
import pytest
from support.patchview import HEADS, synthetic_patchview, synthetic_words

from vlmteach.views import alt_text, draw_patchview
from vlmteach.views.patchview_words import facts_of, stops_of


@pytest.mark.mpl_image_compare
def test_three_panels():
    return draw_patchview(synthetic_patchview(), 1, (3, 6), {"Attention": 2})


@pytest.mark.mpl_image_compare
def test_words():
    return draw_patchview(synthetic_words(), 0, (0, 0), {"word": 2, "Attention of words": 1})


@pytest.mark.parametrize("stop", range(3))
def test_the_alt_text_prints_the_numbers_of_the_asked_unit(stop):
    data = synthetic_patchview()
    text = alt_text(draw_patchview(data, stop, (2, 5), {"Attention": 3}))
    attention = data.panels[2].layers[stop]
    assert stops_of(data)[stop] in text
    assert f"block {stop}, unit (2, 5), rollout" in text
    assert f"mean distance: {attention.numbers['distance'][3, 2, 5]:.1f} px" in text
    assert f"highest cell weight: {attention.numbers['peak'][3, 2, 5]:.3f}" in text
    assert f"share of the picture: {data.panels[0].layers[stop].numbers['share'][0, 2, 5]:.1f} %" in text
    assert f"field size: {facts_of(data.panels[0].layers[stop])['size']}" in text


def test_the_picture_is_bright_inside_the_box_and_dark_outside():
    data = synthetic_patchview(panels=(0,))
    image = draw_patchview(data, 0, (4, 4)).axes[0].images[0].get_array()
    top, left, bottom, right = data.panels[0].layers[0].boxes[4, 4]
    np.testing.assert_allclose(image[top:bottom, left:right], data.picture[top:bottom, left:right] / 255)
    assert image[0].max() < 0.4 * data.picture[0].max() / 255


def test_the_heat_is_the_map_that_was_chosen():
    data = synthetic_patchview()
    for head, unit in itertools.product(range(len(HEADS)), [(0, 0), (7, 3)]):
        figure = draw_patchview(data, 2, unit, {"Attention": head})
        np.testing.assert_array_equal(
            figure.axes[2].images[1].get_array()[..., 3], data.panels[2].layers[2].maps[head].levels[unit]
        )


@pytest.mark.parametrize(("stop", "cell", "message"), [(3, (0, 0), "expected 0 to 2"), (0, (8, 0), "rows below 8")])
def test_a_place_that_is_not_there_is_refused(stop, cell, message):
    with pytest.raises(ValueError, match=message):
        draw_patchview(synthetic_patchview(), stop, cell)
