import pytest
import torch
from torch import nn

from vlmteach.experiments.cliff import CLIFF_ENCODERS, MarkerReadOut, build_cliff_model
from vlmteach.experiments.cliff.encoders import DIM, MeanBroadcast, MeanReadOut
from vlmteach.nn import VisualTokens, grid_boxes
from vlmteach.pictures.cliff import cliff_batch


class Numbered(nn.Module):
    """An encoder whose token i is filled with i."""

    def forward(self, pictures):
        tokens = torch.arange(64.0).reshape(1, 64, 1).expand(len(pictures), 64, DIM)
        return VisualTokens(tokens, grid_boxes(len(pictures), 8, 8, like=tokens))


def read(model):
    """Let the read-out show the sum of the token it reads."""
    nn.init.ones_(model.read_out.weight)
    nn.init.zeros_(model.read_out.bias)
    return model


@pytest.mark.parametrize("name", CLIFF_ENCODERS)
def test_every_encoder_names_one_of_six_colours(name):
    batch = cliff_batch(2, seed=0)

    assert build_cliff_model(name, seed=0)(batch.pictures, batch.marker_token).shape == (2, 6)


@pytest.mark.parametrize("name", CLIFF_ENCODERS)
def test_a_seed_gives_the_same_weights_and_keeps_the_callers_random_numbers(name):
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    one, again, other = (
        build_cliff_model(name, seed=1),
        build_cliff_model(name, seed=1),
        build_cliff_model(name, seed=2),
    )

    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(one.read_out.weight, again.read_out.weight)
    assert not torch.equal(one.read_out.weight, other.read_out.weight)


def test_the_token_at_the_marker_is_read():
    model = read(MarkerReadOut(Numbered()))
    scores = model(torch.zeros(3, 3, 64, 64), torch.tensor([0, 17, 63]))

    assert (scores / DIM)[:, 0].tolist() == [0, 17, 63]


def test_the_mean_of_all_tokens_is_read():
    scores = read(MeanReadOut(Numbered()))(torch.zeros(2, 3, 64, 64), torch.tensor([0, 63]))

    assert (scores / DIM)[:, 0].tolist() == [31.5, 31.5]


def test_the_mean_is_added_to_every_token():
    scores = read(MarkerReadOut(Numbered(), MeanBroadcast()))(torch.zeros(2, 3, 64, 64), torch.tensor([0, 63]))

    assert (scores / DIM)[:, 0].tolist() == [31.5, 94.5]


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="there is no encoder 'cnn-9' in the cliff; expected one of cnn-1, cnn-2"):
        build_cliff_model("cnn-9", seed=0)
