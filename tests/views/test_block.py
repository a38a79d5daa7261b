import numpy as np
import pytest
from numpy.random import default_rng

from vlmteach.views import Stack, alt_text, draw_block, draw_stacks, draw_who_looks_where

GROWS = np.array([[1.0, 10.0, 120.0], [1.0, 12.0, 140.0], [1.0, 14.0, 160.0]])
ALIKE = np.array([[0.0, 0.9, 1.0], [0.0, 0.92, 1.0], [0.0, 0.94, 1.0]])


def looks(side, share):
    """Rows that give this share of their weight to the cells of the asking cell's column, evenly."""
    cells = np.arange(side * side)
    own = cells[:, None] % side == cells % side
    return np.where(own, share / side, (1 - share) / (side * side - side))


@pytest.mark.mpl_image_compare
def test_block():
    figure = draw_block()
    assert "residual stream" in alt_text(figure)
    assert [text.get_text() for text in figure.axes[0].texts].count("+") == 2
    return figure


@pytest.mark.mpl_image_compare
def test_stacks():
    figure = draw_stacks([Stack("whole", GROWS**0.1, 0.2 * ALIKE), Stack("without", GROWS, ALIKE)])
    text = alt_text(figure)
    assert "After 2 blocks, mean of 3 seeds" in text
    assert "without: std 140, mean cosine 1.00" in text
    assert "whole: std 1.6, mean cosine 0.20" in text
    return figure


@pytest.mark.parametrize(
    ("std", "told"),
    [(0.0463, "std 0.046,"), (0.2, "std 0.20,"), (4.92, "std 4.9,"), (99.6, "std 100,"), (12345.0, "std 12,000,")],
)
def test_sizes_are_told_with_two_digits(std, told):
    assert told in alt_text(draw_stacks([Stack("stack", np.full((2, 3), std), ALIKE[:2])]))


@pytest.mark.mpl_image_compare
def test_who_looks_where():
    noise = default_rng(0).uniform(0.5, 1.5, (36, 36))
    figure = draw_who_looks_where({"first": noise / noise.sum(axis=1, keepdims=True), "last": looks(6, 0.9)}, side=6)
    assert "by chance 17%" in alt_text(figure)
    assert "last: 90% of the weight lies in the asking cell's column" in alt_text(figure)
    return figure


def test_all_matrices_share_one_scale():
    figure = draw_who_looks_where({"even": looks(4, 0.25), "sharp": looks(4, 1.0)}, side=4)
    assert {axis.images[0].get_clim() for axis in figure.axes[:2]} == {(0.0, 0.25)}
