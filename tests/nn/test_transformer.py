import pytest
import torch
from support.random_weights import largest_difference, randomise
from torch import nn

from vlmteach.nn.transformer import TransformerBlock

TOLERANCE = [(torch.float32, 1e-5), (torch.float64, 1e-10)]
CAUSAL = torch.ones(6, 6, dtype=torch.bool).tril()


def random_tokens(dtype):
    return torch.randn(2, 6, 24, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
@pytest.mark.parametrize("layer_scale", [None, 1e-5])
@pytest.mark.parametrize("mask", [None, CAUSAL], ids=["all", "causal"])
def test_a_block_equals_timms(mask, layer_scale, dtype, tolerance):
    from timm.models.vision_transformer import Block

    theirs = randomise(Block(24, 3, mlp_ratio=2, qkv_bias=True, init_values=layer_scale), scale=0.1).to(dtype)
    ours = TransformerBlock(24, num_heads=3, mlp_ratio=2, layer_scale=layer_scale).to(dtype)
    ours.load_state_dict(theirs.state_dict())
    tokens = random_tokens(dtype)
    assert largest_difference(ours(tokens, mask), theirs(tokens, mask)) <= tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
def test_a_block_equals_torchs_pre_norm_layer(dtype, tolerance):
    theirs = nn.TransformerEncoderLayer(
        24, 3, 48, dropout=0.0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    theirs = randomise(theirs, scale=0.1).to(dtype).train()  # in eval mode torch takes a fused path
    ours = TransformerBlock(24, num_heads=3, mlp_ratio=2).to(dtype)
    names = {
        "self_attn.in_proj_": "attn.qkv.",
        "self_attn.out_proj": "attn.proj",
        "linear1": "mlp.fc1",
        "linear2": "mlp.fc2",
    }
    weights = theirs.state_dict()
    for old, new in names.items():
        weights = {name.replace(old, new): tensor for name, tensor in weights.items()}
    ours.load_state_dict(weights)
    tokens = random_tokens(dtype)
    assert largest_difference(ours(tokens), theirs(tokens)) <= tolerance


def test_a_small_layer_scale_starts_a_block_near_the_identity():
    tokens = random_tokens(torch.float32)
    assert largest_difference(TransformerBlock(24, num_heads=3, layer_scale=1e-5)(tokens), tokens) < 1e-4
    assert largest_difference(TransformerBlock(24, num_heads=3)(tokens), tokens) > 0.05


def test_the_mlp_treats_every_token_alone():
    mlp = randomise(TransformerBlock(24, num_heads=3)).mlp
    tokens = random_tokens(torch.float32)
    torch.testing.assert_close(mlp(tokens)[:, 2:3], mlp(tokens[:, 2:3]))


def test_the_hidden_width_survives_a_ratio_that_is_no_exact_fraction():
    # In floats 21 * (51 / 21) is a little less than 51.
    for hidden in (51, 59, 97, 84):
        assert TransformerBlock(21, num_heads=3, mlp_ratio=hidden / 21).mlp.fc1.out_features == hidden


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"30 .* 4 heads.*expected"):
        TransformerBlock(30, num_heads=4)
