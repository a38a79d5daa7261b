import numpy as np
import pytest

from vlmteach.views import CNN_HUE, VIT_HUE, alt_text
from vlmteach.views.depth import DepthCurve, draw_distances

DEPTH = (0.25, 0.5, 0.75, 1.0)
HEADS = np.array([[20.0, 90, 70], [30, 80, 95], [60, 85, 90], [80, 88, 84]])
CURVES = [
    DepthCurve("ResNet", CNN_HUE, DEPTH, np.array([6.0, 15, 31, 52]), None),
    DepthCurve("ConvNeXt", CNN_HUE, DEPTH, np.array([7.0, 19, 43, 60]), None),
    DepthCurve("ViT", VIT_HUE, DEPTH, np.array([40.0, 66, 79, 82]), HEADS),
    DepthCurve("DINOv2", VIT_HUE, (1 / 3, 2 / 3, 1.0), np.array([35.0, 50, 61]), HEADS[:3, :2] - 10),
]


@pytest.mark.mpl_image_compare
def test_distances_of_four_networks():
    figure = draw_distances(CURVES, 86.0, "Four networks, made up")
    assert "all pixels alike would be 86 pixels" in alt_text(figure)
    assert "ResNet: gradient from 6 to 52 pixels; " in alt_text(figure)
    assert "ViT: gradient from 40 to 82 pixels, attention from 60 to 84" in alt_text(figure)
    return figure


def test_both_panels_share_their_pixels_and_only_attending_networks_stand_on_the_right():
    left, right = draw_distances(CURVES, 86.0, "title").axes
    assert left.get_ylim() == right.get_ylim()
    drawn = [line for line in right.lines if len(line.get_xdata()) > 2]
    assert len(drawn) == (1 + 3) + (1 + 2)
    assert np.array_equal(drawn[0].get_ydata(), HEADS.mean(axis=1))


def test_networks_of_one_hue_differ_by_marker():
    left = draw_distances(CURVES, 86.0, "title").axes[0]
    marks = [(line.get_marker(), line.get_linestyle()) for line in left.lines[:4]]
    assert len(set(marks)) == 4
