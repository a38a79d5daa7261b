import numpy as np
import pytest

from vlmteach.views import alt_text, draw_memory_order

GRID = np.arange(18).reshape(3, 2, 3)
BY_CELL, BY_RESHAPE = GRID.reshape(3, 6).T, GRID.reshape(6, 3)


@pytest.mark.mpl_image_compare
def test_two_ways_to_read_a_grid():
    return draw_memory_order(GRID, {"flatten(2).transpose(1, 2)": BY_CELL, "reshape(B, H*W, C)": BY_RESHAPE}, token=4)


@pytest.mark.parametrize("token", range(6))
def test_the_description_says_which_places_a_token_reads(token):
    text = alt_text(draw_memory_order(GRID, {"by cell": BY_CELL, "by reshape": BY_RESHAPE}, token))
    assert f"by cell: token {token} reads {token}, {token + 6}, {token + 12}, in 3 channels" in text
    first = 3 * token
    assert f"token {token} reads {first}, {first + 1}, {first + 2}, all in channel {token // 2}." in text


def test_the_places_of_the_token_are_framed_in_the_line():
    figure = draw_memory_order(GRID, {"by cell": BY_CELL}, token=1)
    line, table = figure.axes
    assert {frame.get_x() for frame in line.patches if not frame.get_fill()} == {1, 7, 13}
    assert {frame.get_y() for frame in table.patches if not frame.get_fill()} == {1}


@pytest.mark.parametrize("tokens", [BY_CELL[:5], np.zeros((6, 3), int)])
def test_tokens_that_are_not_the_grids_numbers_are_refused(tokens):
    with pytest.raises(ValueError, match="half does not hold each place of the grid once"):
        draw_memory_order(GRID, {"half": tokens}, token=0)


def test_a_grid_that_is_not_in_order_is_refused():
    with pytest.raises(ValueError, match=r"are not 0, 1, 2 … in order"):
        draw_memory_order(GRID.transpose(0, 2, 1), {"by cell": BY_CELL}, token=0)
