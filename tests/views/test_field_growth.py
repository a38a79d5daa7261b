import itertools

import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views import field_growth as views


def tree(kernel, stride, dilation, depth):
    levels = [[0]]
    for _ in range(depth):
        levels.append(sorted({unit * stride + dilation * j for unit in levels[-1] for j in range(kernel)}))
    return levels


@pytest.mark.mpl_image_compare
def test_stack_with_stride():
    figure = views.draw_stack(tree(3, 2, 1, 3), 3, 2, 1)
    assert "One unit of the last layer spans 15 pixels and reads 15 of them" in alt_text(figure)
    assert "the levels have 1, 3, 7, 15 members" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_stack_with_holes():
    figure = views.draw_stack(tree(2, 1, 3, 3), 2, 1, 3)
    assert "spans 10 pixels and reads 4 of them" in alt_text(figure)
    assert figure.axes[0].get_title() == "one unit of layer 3 spans 10 pixels, and skips 6 of them"
    return figure


@pytest.mark.parametrize(("kernel", "stride", "dilation", "depth"), itertools.product((2, 5), (1, 3), (1, 3), (1, 4)))
def test_every_stack_hangs_over_the_middle_of_its_pixels(kernel, stride, dilation, depth):
    levels = tree(kernel, stride, dilation, depth)
    axes = views.draw_stack(levels, kernel, stride, dilation).axes[0]
    top = axes.collections[-depth].get_offsets()[0]
    assert top[0] == pytest.approx((levels[-1][0] + levels[-1][-1]) / 2)
    assert top[1] == depth


@pytest.mark.mpl_image_compare
def test_growth():
    depths = [1, 2, 4, 8, 16, 32]
    used = {"equal weights": [3 * n**0.5 for n in depths], "random weights": [2.8 * n**0.5 for n in depths]}
    figure = views.draw_growth(depths, [2 * n + 1 for n in depths], used)
    assert "theoretical field grows from 3 to 65 pixels" in alt_text(figure)
    assert "equal weights: from 3.0 to 17.0 pixels; random weights: from 2.8 to 15.8 pixels" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_profile():
    profile = np.exp(-((np.arange(41) - 20) ** 2) / (2 * 3**2))
    profile[20] = 1.1
    figure = views.draw_profile(profile, sigma=3.0, side=31)
    assert "a Gaussian of 3.00 pixels (largest difference 0.086)" in alt_text(figure)
    assert "theoretical field is 31 pixels wide; 95% of a Gaussian of this size lie in its middle 12" in alt_text(
        figure
    )
    return figure
