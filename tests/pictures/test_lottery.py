"""The ladder lottery: the picture shows the rungs, the answer lies at the end of the way, and every rung matters."""

import numpy as np
import pytest
import torch

from vlmteach.pictures.look import RGB
from vlmteach.pictures.lottery import LINES, STEPS, lottery_batch, lottery_pictures

BATCH = lottery_batch(300, seed=(2, 0))


def read(picture):
    """What a picture (3, 24, 64) shows: each line's moves (3, 7), -1 up, 1 down; and the prizes' pixels."""
    levels = (255 * picture).round().int()
    bright = (levels > 150).all(dim=0)
    down = torch.stack([bright[8 * line + 7, 3:56:8] for line in range(LINES)]).int()
    up = torch.stack([bright[8 * line, 3:56:8] for line in range(LINES)]).int()
    return (down - up).numpy(), levels[:, 4::8, 60].T


def follow(moves, line, step):
    """Walk along a line, one step after the other."""
    for column in range(step, STEPS):
        line += moves[line, column]
    return line


def test_a_rung_joins_two_neighbours_and_a_line_has_one_at_most():
    for picture in BATCH.pictures:
        moves, _ = read(picture)
        landing = np.arange(LINES)[:, None] + moves
        assert (np.sort(landing, axis=0) == np.arange(LINES)[:, None]).all()


def test_who_follows_the_line_in_the_picture_finds_the_answer():
    for picture, marker, square, colour in zip(*BATCH[:3], BATCH.colour, strict=True):
        moves, prizes = read(picture)
        line = follow(moves, int(marker[0]), int(marker[1]))
        assert (line, STEPS) == tuple(square.tolist())
        assert prizes[line].tolist() == RGB[colour].tolist()


def test_the_marked_cell_is_white_and_no_other():
    white = (255 * BATCH.pictures > 254).all(dim=1).unflatten(2, (8, 8)).unflatten(1, (3, 8)).sum(dim=(2, 4))
    marked = torch.zeros(300, 3, 8, dtype=torch.bool)
    marked[torch.arange(300), BATCH.marker[:, 0], BATCH.marker[:, 1]] = True

    assert torch.equal(white > 0, marked)


def test_every_rung_on_the_way_matters_and_no_other_one_does():
    """Taken out, a rung on the way leads to another end; one beside the way changes nothing."""
    for picture, marker in zip(BATCH.pictures, BATCH.marker.tolist(), strict=True):
        moves, _ = read(picture)
        end = follow(moves, *marker)
        line = marker[0]
        for step in range(STEPS):
            without = moves.copy()
            without[:, step] = 0
            on_the_way = step >= marker[1] and moves[line, step] != 0
            assert (follow(without, *marker) != end) == on_the_way
            line += moves[line, step] if step >= marker[1] else 0


def test_the_length_of_the_way_is_the_distance_and_the_distractor_lies_straight_on():
    lengths = np.arange(1, 8).repeat(20)
    batch = lottery_pictures(lengths, seed=4)

    assert batch.distance.tolist() == lengths.tolist()
    assert torch.equal(batch.distractor, torch.stack([batch.marker[:, 0], torch.full((140,), STEPS)], dim=1))
    same = (batch.square == batch.distractor).all(dim=1)
    assert torch.equal(batch.colour[same], batch.distractor_colour[same])
    assert lottery_batch(2000, seed=5).distance.bincount(minlength=8)[1:].min() > 220


def test_a_seed_gives_the_same_pictures():
    assert torch.equal(lottery_batch(3, (1, 2)).pictures, lottery_batch(3, (1, 2)).pictures)
    assert not torch.equal(lottery_batch(3, (1, 2)).pictures, lottery_batch(3, (1, 3)).pictures)


@pytest.mark.parametrize("lengths", [[0], [8], [[1, 2]]])
def test_ways_that_do_not_exist_are_refused(lengths):
    with pytest.raises(ValueError, match=r"expected \(B,\) whole numbers from 1 to 7"):
        lottery_pictures(np.array(lengths), seed=0)
