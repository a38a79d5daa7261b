import numpy as np
import pytest

from vlmteach.views import CNN_HUE, MUTED, VIT_HUE, Measured, alt_text, draw_ranges

DRAWN = np.random.default_rng(0)
HEADS = 60 + 30 * DRAWN.standard_normal((5, 4, 6)).cumsum(axis=1) / 3
PANELS = {
    "trained": [Measured("ViT", VIT_HUE, HEADS.clip(5, 110))],
    "untrained": [Measured("ViT", VIT_HUE, 100 + DRAWN.standard_normal((5, 4, 6)))],
}


@pytest.mark.mpl_image_compare
def test_heads_of_two_networks_in_two_panels():
    figure = draw_ranges(PANELS, ["1", "2", "3", "4"], "mean distance in pixels", even=100.0)
    text = alt_text(figure)
    assert text.startswith("mean distance in pixels, over 5 pictures. All pixels alike would be 100.")
    low, high = PANELS["trained"][0].values[:, 0].min(), PANELS["trained"][0].values[:, 0].max()
    assert f"trained: 1 {low:.0f} to {high:.0f}, … 4 " in text
    return figure


@pytest.mark.mpl_image_compare
def test_several_networks_in_one_panel():
    sizes = np.array([[[20.0], [60]], [[26], [74]], [[18], [37]]])
    networks = [Measured("trained", CNN_HUE, sizes), Measured("untrained", MUTED, 2 * sizes)]
    return draw_ranges({"A CNN": networks}, ["stage 2", "stage 4"], "pixels")


def test_bars_run_from_the_lowest_to_the_highest_picture_sorted_by_mean():
    values = np.array([[[9.0, 1]], [[5, 3]], [[7, 2]]])  # three pictures, one layer, two heads
    (axis,) = draw_ranges({"": [Measured("", VIT_HUE, values)]}, ["1"], "pixels").axes
    ends = [tuple(bar.get_segments()[0][:, 1]) for bar in axis.collections]
    assert ends == [(1, 3), (5, 9)]
    assert [line.get_ydata().tolist() for line in axis.lines] == [[2], [7]]


def test_networks_of_one_panel_stand_beside_each_other_and_differ_by_mark():
    one = np.ones((2, 3, 1))
    (axis,) = draw_ranges({"": [Measured("a", MUTED, one), Measured("b", MUTED, one)]}, list("123"), "pixels").axes
    first, second = axis.lines
    assert (first.get_xdata() < second.get_xdata()).all()
    assert first.get_marker() != second.get_marker()
