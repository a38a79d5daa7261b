import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vlmteach.nn import LoRA, with_lora

SIZES = st.integers(1, 7)


@given(inputs=SIZES, outputs=SIZES, rank=SIZES, bias=st.booleans())
def test_nothing_changes_before_training_and_the_merged_layer_does_the_same_after(inputs, outputs, rank, bias):
    torch.manual_seed(0)
    layer = nn.Linear(inputs, outputs, bias=bias).double()
    x = torch.randn(3, inputs, dtype=torch.double)
    before = layer(x)
    lora = LoRA(layer, rank).double()
    assert torch.equal(lora(x), before)
    nn.init.normal_(lora.up)
    assert torch.allclose(lora.merged().double()(x), lora(x), atol=1e-5)


def test_only_the_two_thin_matrices_learn():
    model = with_lora(nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Sequential(nn.Linear(8, 5))), rank=2)
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert learning == {"0.down", "0.up", "2.0.down", "2.0.up"}
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 2 * (6 + 8) + 2 * (8 + 5)
    weight = model[0].base.weight.clone()
    model(torch.randn(4, 6)).sum().backward()
    assert model[0].base.weight.grad is None
    assert torch.equal(model[0].base.weight, weight)
    assert model[0].up.grad is not None


def test_a_change_has_at_most_the_rank():
    lora = LoRA(nn.Linear(9, 7), 2)
    nn.init.normal_(lora.up)
    assert torch.linalg.matrix_rank(lora.merged().weight - lora.base.weight) == 2


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: LoRA(nn.Conv2d(3, 3, 1), 2), TypeError, "got a Conv2d"),
        (lambda: LoRA(nn.Linear(3, 3), 0), ValueError, "rank"),
        (lambda: with_lora(nn.GELU(), 2), ValueError, "no linear layer inside"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
