import hashlib
import re

import numpy as np
import pytest
import torch

from vlmteach.pictures.chance import Chance
from vlmteach.pictures.cliff import (
    CELL,
    CELLS,
    COLOURS,
    RGB,
    SIDE,
    _random_layout,
    _random_offsets,
    cliff_batch,
    cliff_pictures,
    every_offset,
)

# Made once on x86-64; the generator promises the same stream on every machine and version.
BYTES = "30954963e7c9bd750c442bf8f5639f799c5927e80e0bb74fa40523b96572a1ea"


def cell_of(pictures, index, cell):
    row, column = (int(number) * CELL for number in cell)
    return pictures[index, :, row : row + CELL, column : column + CELL]


def test_a_seed_gives_the_same_bytes_on_every_machine():
    batch = cliff_batch(16, seed=(3, 14))

    assert hashlib.sha256(batch.pictures.numpy().tobytes()).hexdigest() == BYTES


@pytest.mark.parametrize("other", [(4,), (3, 0), (0, 3), (3, 1)])
def test_another_seed_gives_other_pictures(other):
    assert not torch.equal(cliff_batch(4, seed=3).pictures, cliff_batch(4, seed=other).pictures)


def test_pictures_are_ready_for_an_encoder():
    pictures = cliff_batch(8, seed=0).pictures

    assert pictures.shape == (8, 3, SIDE, SIDE)
    assert pictures.dtype == torch.float32
    assert 0 <= pictures.min() < pictures.max() <= 1


def test_the_square_has_the_colour_of_the_answer_and_a_white_dot():
    batch = cliff_batch(64, seed=1)
    for index in range(64):
        square = cell_of(batch.pictures, index, batch.square[index])
        rgb = torch.from_numpy(RGB[batch.colour[index]]) / 255

        assert torch.equal(square[:, 1, 1], rgb)
        assert torch.equal(square[:, 6, 6], rgb)
        assert (square[:, 3:5, 3:5] == 1).all()


def test_the_distractor_has_its_own_colour_and_a_black_dot():
    batch = cliff_batch(64, seed=1)
    for index in range(64):
        square = cell_of(batch.pictures, index, batch.distractor[index])

        assert torch.equal(square[:, 1, 1], torch.from_numpy(RGB[batch.distractor_colour[index]]) / 255)
        assert (square[:, 3:5, 3:5] == 0).all()


def test_the_marker_is_a_white_cross():
    batch = cliff_batch(16, seed=2)
    for index in range(16):
        cross = (cell_of(batch.pictures, index, batch.marker[index]) == 1).all(dim=0)

        assert cross.sum() == 2 * 12 - 4
        assert torch.equal(cross, cross.T)


def test_everything_else_is_faint_noise():
    batch = cliff_batch(32, seed=5)
    grid = batch.pictures.unflatten(3, (CELLS, CELL)).unflatten(2, (CELLS, CELL))
    things = torch.zeros(32, CELLS, CELLS, dtype=torch.bool)
    for cells in (batch.marker, batch.square, batch.distractor):
        things[torch.arange(32), cells[:, 0], cells[:, 1]] = True
    background = grid.permute(0, 2, 4, 1, 3, 5)[~things]

    assert things.sum() == 3 * 32  # three different cells in every picture
    assert 0.3 < background.min() < background.max() < 0.4
    assert background.std() > 0.01


def test_things_leave_a_pixel_free_around_them():
    batch = cliff_batch(16, seed=5)
    for index in range(16):
        for cells in (batch.marker, batch.square, batch.distractor):
            cell = cell_of(batch.pictures, index, cells[index]).clone()
            cell[:, 1:-1, 1:-1] = 0.35

            assert 0.3 < cell.min() < cell.max() < 0.4


def test_the_marker_token_counts_row_by_row():
    batch = cliff_batch(8, seed=0)

    assert torch.equal(batch.marker_token, batch.marker[:, 0] * 8 + batch.marker[:, 1])


def test_each_distance_and_each_offset_of_a_distance_come_equally_often():
    offsets = torch.from_numpy(_random_offsets(40_000, seed=7))
    distance = offsets.abs().amax(dim=1)
    expected = 40_000 / 7

    assert (torch.bincount(distance, minlength=8)[1:] - expected).abs().max() < 4 * expected**0.5
    for steps in range(1, 8):
        _, counts = torch.unique(offsets[distance == steps], dim=0, return_counts=True)
        assert len(counts) == 8 * steps
        assert (counts - expected / (8 * steps)).abs().max() < 5 * (expected / (8 * steps)) ** 0.5


def test_the_distractor_says_nothing_about_the_answer():
    layout = _random_layout(_random_offsets(36_000, seed=8), Chance(8, stream=1))
    together = np.bincount(layout.colour * 6 + layout.distractor_colour, minlength=36)

    assert np.abs(together - 1000).max() < 4 * 1000**0.5


def test_the_distractor_stands_anywhere_else_equally_often():
    layout = _random_layout(np.repeat([[0, 7]], 60_000, axis=0), Chance(9, stream=1))
    # the marker is in column 0 and the square in column 7 of one row, so columns 1 to 6 are always free
    columns = np.bincount(layout.distractor[:, 1], minlength=8)
    expected = 60_000 * 8 / 62

    assert np.abs(columns[1:7] - expected).max() < 4 * expected**0.5
    assert not (layout.distractor == layout.marker).all(axis=1).any()
    assert not (layout.distractor == layout.square).all(axis=1).any()


def test_every_offset_is_there_once():
    offsets = every_offset()

    assert offsets.shape == (15 * 15 - 1, 2)
    assert len(np.unique(offsets, axis=0)) == 224
    assert np.abs(offsets).max(axis=1).tolist() == sorted(np.abs(offsets).max(axis=1))


def test_asked_offsets_are_drawn():
    offsets = every_offset(times=3)
    batch = cliff_pictures(offsets, seed=0)

    assert torch.equal(batch.offset, torch.from_numpy(offsets))
    assert batch.marker.min() == 0
    assert batch.square.max() == 7


def test_every_colour_has_a_name():
    assert len(COLOURS) == len(RGB) == 6


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: cliff_batch(0, seed=0), "count is 0; expected at least one picture"),
        (lambda: cliff_batch(1, seed=-1), "seed is -1; expected a whole number of 0 or more"),
        (lambda: cliff_batch(1, seed=()), "seed is ()"),
        (lambda: cliff_batch(1, seed=(0.5,)), "seed is (0.5,)"),
        (lambda: cliff_pictures(np.array([[0, 0]]), seed=0), "an offset is [0, 0]"),
        (lambda: cliff_pictures(np.array([[1, 1], [8, 0]]), seed=0), "an offset is [8, 0]"),
        (lambda: cliff_pictures(np.array([1, 2]), seed=0), "offsets has shape (2,)"),
        (lambda: cliff_pictures(np.array([[1.0, 2.0]]), seed=0), "type float64; expected whole numbers"),
        (lambda: every_offset(0), "times is 0; expected 1 or more"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()
