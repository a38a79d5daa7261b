import numpy as np
import pytest
import torch

from vlmteach.experiments.cliff import (
    CLIFF_ENCODERS,
    INSIDE,
    OUTSIDE,
    PARTLY,
    Field,
    build_cliff_model,
    exact_field,
    where,
)
from vlmteach.pictures.cliff import MARGIN, cliff_pictures, every_offset
from vlmteach.pictures.look import CELL


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("cnn-1", (-8, -8, 16, 16)),
        ("cnn-2", (-16, -16, 24, 24)),
        ("cnn-3", (-24, -24, 32, 32)),
        ("cnn-6", (-48, -48, 56, 56)),
        ("cnn-2-strided", (-23, -23, 24, 24)),  # three k3 s2 p1 see 7 px more, above and left only
        ("cnn-dilated", (-56, -56, 64, 64)),
        ("vit-1", None),
        ("cnn-1-attention", None),
        ("cnn-1-mean", None),
        ("cnn-1-mean-read", None),
    ],
)
def test_the_field_of_each_encoder(name, field):
    assert exact_field(build_cliff_model(name, seed=0)) == field


def counts(field):
    return [int((where(field) == kind).sum()) for kind in (INSIDE, PARTLY, OUTSIDE)]


def test_offsets_are_inside_partly_inside_or_outside():
    assert counts(Field(-8, -8, 16, 16)) == [9, 0, 216]
    assert counts(Field(-8, -8, 15, 15)) == [9, 0, 216]  # the square stops a pixel before its cell does
    assert counts(Field(-8, -8, 14, 14)) == [4, 5, 216]
    assert counts(Field(-9, -8, 17, 16)) == [9, 0, 216]
    assert counts(Field(-10, -8, 18, 16)) == [9, 6, 210]


def test_down_and_right_are_not_mixed_up():
    place = where(Field(top=0, left=-24, bottom=8, right=8))

    assert np.argwhere(place == INSIDE).tolist() == [[7, 4], [7, 5], [7, 6], [7, 7]]


@pytest.mark.parametrize("name", [name for name, encoder in CLIFF_ENCODERS.items() if encoder.family == "local"])
def test_a_square_outside_the_field_changes_nothing_at_all_and_one_inside_does(name):
    """The theorem behind the cliff, on the network itself: at every offset, paint the square in another colour."""
    torch.manual_seed(0)
    model = build_cliff_model(name, seed=0).eval().double()
    offsets = every_offset()
    batch = cliff_pictures(offsets, seed=0)
    painted = batch.pictures.clone()
    for index, (row, column) in enumerate((batch.square * CELL + MARGIN).tolist()):
        size = CELL - 2 * MARGIN
        painted[index, :, row : row + size, column : column + size] = 0.9
    with torch.inference_mode():
        scores = model(torch.cat([batch.pictures, painted]).double(), batch.marker_token.repeat(2))
    before, after = scores.chunk(2)
    changed = (before != after).any(dim=1).numpy()

    assert changed.tolist() == (where(exact_field(model))[tuple((offsets + 7).T)] == INSIDE).tolist()


@pytest.mark.parametrize("name", ["vit-1", "cnn-1-attention", "cnn-1-mean", "cnn-1-mean-read", "cnn-dilated"])
def test_the_others_hear_of_every_square(name):
    model = build_cliff_model(name, seed=0).eval().double()
    offsets = every_offset()
    batch = cliff_pictures(offsets, seed=0)
    painted = batch.pictures.clone()
    painted[torch.arange(len(offsets)), :, batch.square[:, 0] * CELL + MARGIN, batch.square[:, 1] * CELL + MARGIN] = 0.9
    with torch.inference_mode():
        scores = model(torch.cat([batch.pictures, painted]).double(), batch.marker_token.repeat(2))
    before, after = scores.chunk(2)

    assert (before != after).any(dim=1).all()
