import numpy as np
import pytest
from numpy.random import default_rng

from vlmteach.views import alt_text, draw_convolution_step

CHANNELS = ["red", "green", "blue"]


def one_layer(tall=5, wide=5):
    chance = default_rng(0)
    picture = chance.integers(0, 3, (3, tall, wide)).astype(float)
    kernel = chance.integers(-1, 2, (3, 3, 3)).astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (3, 3), axis=(1, 2))
    return picture, kernel, 1.0, np.einsum("chwij,cij->hw", windows, kernel) + 1


@pytest.mark.mpl_image_compare
def test_a_step_of_a_convolution():
    return draw_convolution_step(*one_layer(), (1, 2), CHANNELS)


@pytest.mark.parametrize("place", [(0, 0), (2, 1), (1, 3)])
def test_the_products_of_a_channel_sum_to_what_is_written_after_them(place):
    picture, kernel, bias, output = one_layer(5, 6)
    *channels, last = alt_text(draw_convolution_step(picture, kernel, bias, output, place, CHANNELS)).split("; ")
    sums = []
    for line in channels:
        products, told = line.rsplit(": ", 1)[1].split(" = ")
        assert products.count("·") == 9
        sums.append(eval(products.replace("·", "*")))
        assert sums[-1] == float(told)
    terms, told = last.removesuffix(".").split(" = ")
    assert eval(terms.removesuffix(" (bias)")) == sum(sums) + bias == float(told) == output[place]


def test_an_output_that_is_not_the_sum_is_refused():
    picture, kernel, bias, output = one_layer()
    with pytest.raises(ValueError, match=r"row 0, column 1 is .*; the products and the bias sum to "):
        draw_convolution_step(picture, kernel, bias, output.T, (0, 1), CHANNELS)
