"""The game with two squares: what is drawn is what the batch says, and nothing but the relation tells the answer."""

import numpy as np
import pytest
import torch

from vlmteach.pictures import COLOURS
from vlmteach.pictures.look import RGB
from vlmteach.pictures.two_squares import KNOWS_BOTH, two_squares_batch, two_squares_pictures

MANY = two_squares_batch(6000, seed=(1, 0))


def cells_of(pictures):
    """(B, 3, 64, 64) -> (B, 8, 8, 3, 8, 8), levels 0 to 255."""
    return (255 * pictures).round().int().unflatten(3, (8, 8)).unflatten(2, (8, 8)).permute(0, 2, 4, 1, 3, 5)


def test_the_picture_shows_what_the_batch_says():
    batch = two_squares_batch(200, seed=0)
    cells, each = cells_of(batch.pictures), torch.arange(200)
    for thing, colour in ((batch.square, batch.colour), (batch.distractor, batch.distractor_colour)):
        drawn = cells[each, thing[:, 0], thing[:, 1]]
        assert torch.equal(drawn[:, :, 1, 1], torch.from_numpy(RGB)[colour].int())
        assert (drawn[:, :, 3:5, 3:5] == 255).all()
    arrow = (cells[each, batch.marker[:, 0], batch.marker[:, 1]] == 255).all(dim=1)
    points_up = arrow[:, :3].sum(dim=(1, 2)) < arrow[:, 5:].sum(dim=(1, 2))
    assert torch.equal(points_up, batch.square[:, 0] < batch.marker[:, 0])
    coloured = (cells.amax(dim=(4, 5)) > 150).any(dim=3).sum(dim=(1, 2))
    assert (coloured == 3).all()


def test_one_square_is_higher_than_the_marker_and_one_lower():
    side = torch.sign(MANY.square[:, 0] - MANY.marker[:, 0])

    assert torch.equal(side, -torch.sign(MANY.distractor[:, 0] - MANY.marker[:, 0]))
    assert side.abs().min() == 1
    assert abs(side.double().mean()) < 0.04


def test_both_distances_are_even_and_tell_nothing_of_each_other():
    other = (MANY.distractor - MANY.marker).abs().amax(dim=1)
    together = np.histogram2d(MANY.distance.numpy(), other.numpy(), bins=7, range=[(1, 8)] * 2)[0]

    assert together.min() > 80
    assert together.max() < 170


def test_neither_square_nor_arrow_alone_tells_the_colour():
    for clue in (MANY.distractor_colour, (MANY.square[:, 0] < MANY.marker[:, 0]).long()):
        table = torch.zeros(6, 6).index_put_((clue, MANY.colour), torch.ones(6000), accumulate=True)
        shares = table[: clue.max() + 1] / table[: clue.max() + 1].sum(dim=1, keepdim=True)
        assert (shares - 1 / 6).abs().max() < 0.05
    same = (MANY.colour == MANY.distractor_colour).double().mean()
    assert (1 + same) / 2 == pytest.approx(KNOWS_BOTH, abs=0.02)


def test_distances_are_met_and_every_placement_occurs():
    distances = np.array([[7, 7], [1, 1], [2, 5]]).repeat(2000, axis=0)
    batch = two_squares_pictures(distances, seed=3)
    nearest = torch.stack([batch.marker, batch.square, batch.distractor], dim=1)[2000:4000].flatten(1)

    assert batch.distance.tolist() == distances[:, 0].tolist()
    assert (batch.distractor - batch.marker).abs().amax(dim=1).tolist() == distances[:, 1].tolist()
    # the next row up and down has 2 cells beside a marker at the border, and 3 beside another; each with two arrows
    placements = 2 * 6 * (2 * 2**2 + 6 * 3**2)
    assert 0.9 * placements < len(nearest.unique(dim=0)) <= placements


def test_a_seed_gives_the_same_pictures_and_another_one_others():
    one, same, other = (two_squares_batch(4, seed) for seed in ((0, 1), (0, 1), (1, 0)))

    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one.pictures, other.pictures)
    assert len(COLOURS) == 6


@pytest.mark.parametrize("distances", [[[0, 1]], [[1, 8]], [1, 2], [[1, 2, 3]]])
def test_distances_that_do_not_exist_are_refused(distances):
    with pytest.raises(ValueError, match=r"expected \(B, 2\) whole numbers from 1 to 7"):
        two_squares_pictures(np.array(distances), seed=0)
