import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views import attention as views

PICTURE = np.kron(np.linspace(0, 1, 4 * 4 * 3).reshape(4, 4, 3), np.ones((8, 8, 1)))


def peak(row, column, size=4):
    """Attention that is largest in one cell and falls with the distance from it."""
    distance = np.hypot(np.arange(size)[:, None] - row, np.arange(size) - column)
    weights = np.exp(-distance)
    return weights / weights.sum()


@pytest.mark.mpl_image_compare
def test_head_gallery():
    maps = [peak(0, 0), peak(1, 2), np.full((4, 4), 1 / 16), peak(3, 3), peak(0, 3)]
    figure = views.draw_head_gallery(PICTURE, maps, ["corner", "itself", "anything", "end", "last"], position=(1, 2))
    text = alt_text(figure)
    assert "from row 1, column 2 of 4 by 4 cells; an even spread would be 0.062" in text
    assert f"corner has its largest weight, {maps[0].max():.3f}, in row 0, column 0" in text
    assert "end has its largest weight" in text
    return figure


@pytest.mark.parametrize("position", [(0, 0), (3, 1)])
def test_the_query_is_framed_in_the_picture_and_in_every_map(position):
    figure = views.draw_head_gallery(PICTURE, [peak(0, 0), peak(1, 1)], ["a", "b"], position)
    places = [(axis.patches[-1].get_y(), axis.patches[-1].get_x()) for axis in figure.axes]
    assert places == [(8 * position[0], 8 * position[1]), position, position]


@pytest.mark.mpl_image_compare
def test_distance_by_depth():
    tables = {"untrained": np.full((3, 2), 110.0), "other": np.array([[20.0, 100.0], [60.0, 80.0], [100.0, 110.0]])}
    figure = views.draw_distance_by_depth(tables, uniform=116.5)
    text = alt_text(figure)
    assert "untrained: heads from 110 to 110 pixels" in text
    assert "other: heads from 20 to 110 pixels, mean 60 in the first layer and 105 in the last" in text
    return figure


@pytest.mark.mpl_image_compare
def test_attention_and_occlusion():
    figure = views.draw_attention_and_occlusion(PICTURE, peak(0, 0), peak(3, 3), position=(1, 2))
    text = alt_text(figure)
    assert "largest weight is in row 0, column 0; hiding row 3, column 3 changes its output most" in text
    assert "0% are also in the tenth" in text
    return figure


def test_maps_that_agree_overlap_fully():
    figure = views.draw_attention_and_occlusion(PICTURE, peak(0, 0), 3 * peak(0, 0), position=(0, 0))
    assert "100% are also in the tenth" in alt_text(figure)


def scales(figure):
    return [axis.images[0].get_clim() for axis in figure.axes if axis.images and axis.images[0].get_array().ndim == 2]


@pytest.mark.parametrize(("common", "ends"), [(False, [1.0, 2 / 16]), (True, [1.0, 1.0])])
def test_maps_have_their_own_scale_or_one_and_an_even_map_lies_in_the_middle(common, ends):
    one, even = np.eye(16)[5].reshape(4, 4), np.full((4, 4), 1 / 16)
    figure = views.draw_head_gallery(PICTURE, [one, even], ["one", "even"], (1, 2), common)
    assert scales(figure) == [(0, end) for end in ends]
    assert ("share one scale" in alt_text(figure)) == common
