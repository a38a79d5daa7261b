import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from support.peers import TIMM_TAKES_OBLONG
from support.random_weights import largest_difference, randomise
from torch import nn

from vlmteach.nn.attention import (
    AttentionPool2d,
    CrossAttention,
    MultiHeadAttention,
    attention,
    fused_attention,
    join_heads,
    split_heads,
)

TOLERANCE = [(torch.float32, 1e-5), (torch.float64, 1e-10)]


def random_heads(queries=5, keys=7, width=8, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(2, 3, queries, width), (2, 3, keys, width), (2, 3, keys, width)]
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


def random_mask(*shape, seed=1):
    """About half True, and at least one True in each row."""
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 0.5
    mask[..., 0] = True
    return mask


def random_tokens(count=6, dim=24, dtype=torch.float32, seed=2):
    return torch.randn(2, count, dim, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_two_tokens_by_hand():
    query = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    key = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    value = torch.tensor([[10.0], [20.0]])
    output, weights = attention(query, key, value)
    high = math.exp(2 / math.sqrt(2)) / (math.exp(2 / math.sqrt(2)) + 1)
    torch.testing.assert_close(weights, torch.tensor([[high, 1 - high], [0.5, 0.5]]))
    torch.testing.assert_close(output, torch.tensor([[10 * high + 20 * (1 - high)], [15.0]]))


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
@pytest.mark.parametrize("mask", [None, (5, 7), (2, 3, 5, 7), (2, 1, 1, 7), (1, 7)], ids=str)
def test_the_readable_attention_equals_torchs(mask, dtype, tolerance):
    query, key, value = random_heads(dtype=dtype)
    mask = None if mask is None else random_mask(*mask)
    theirs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    output, weights = attention(query, key, value, mask)
    assert largest_difference(output, theirs) <= tolerance
    assert largest_difference(weights @ value, theirs) <= tolerance
    assert largest_difference(fused_attention(query, key, value, mask), theirs) <= tolerance


def test_scores_are_scaled_by_the_width_of_a_head_and_not_of_the_model():
    query, key, value = random_heads(width=8)
    _, weights = attention(query, key, value)
    scores = query @ key.transpose(-2, -1)
    torch.testing.assert_close(weights, (scores / math.sqrt(8)).softmax(-1))
    assert (weights - (scores / math.sqrt(3 * 8)).softmax(-1)).abs().max() > 0.05


def test_true_in_a_mask_means_may_attend():
    query, key, value = random_heads()
    mask = random_mask(5, 7)
    _, weights = attention(query, key, value, mask)
    assert (weights[..., mask] > 0).all()
    assert (weights[..., ~mask] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 5))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.integers(0, 2**31))
def test_outputs_are_means_of_the_values_and_forget_the_order_of_the_keys(queries, keys, width, seed):
    query, key, value = random_heads(queries, keys, width, torch.float64, seed)
    output, weights = attention(query, key, value)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, queries, dtype=torch.float64))
    low, high = value.amin(-2, keepdim=True), value.amax(-2, keepdim=True)
    assert ((output >= low - 1e-9) & (output <= high + 1e-9)).all()
    order = torch.randperm(keys, generator=torch.Generator().manual_seed(seed))
    shuffled, _ = attention(query, key[..., order, :], value[..., order, :])
    torch.testing.assert_close(shuffled, output)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("attend", [lambda *a: attention(*a)[0], fused_attention], ids=["readable", "fused"])
def test_a_query_that_may_attend_to_nothing_gets_zeros_and_finite_gradients(attend, dtype):
    inputs = [tensor.requires_grad_() for tensor in random_heads(dtype=dtype)]
    mask = random_mask(5, 7)
    mask[2] = False
    output = attend(*inputs, mask)
    assert (output[:, :, 2] == 0).all()
    assert output.isfinite().all()
    output.sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in inputs)


def test_the_weights_of_a_query_that_may_attend_to_nothing_are_zeros():
    mask = random_mask(5, 7)
    mask[2] = False
    _, weights = attention(*random_heads(), mask)
    torch.testing.assert_close(weights.sum(-1)[0, 0], torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0]))


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
def test_multi_head_attention_equals_timms(dtype, tolerance):
    from timm.layers import Attention

    theirs = randomise(Attention(24, num_heads=3, qkv_bias=True).to(dtype))
    ours = MultiHeadAttention(24, num_heads=3).to(dtype)
    ours.load_state_dict(theirs.state_dict())
    tokens = random_tokens(dtype=dtype)
    assert largest_difference(ours(tokens), theirs(tokens)) <= tolerance
    mask = random_mask(6, 6)
    assert largest_difference(ours(tokens, mask), theirs(tokens, mask)) <= tolerance


def torchs_attention(dim, num_heads, dtype, memory_dim=None):
    return randomise(nn.MultiheadAttention(dim, num_heads, batch_first=True, kdim=memory_dim, vdim=memory_dim)).to(
        dtype
    )


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
def test_multi_head_attention_equals_torchs_whose_masks_mean_the_opposite(dtype, tolerance):
    theirs = torchs_attention(24, 3, dtype)
    ours = MultiHeadAttention(24, num_heads=3).to(dtype)
    ours.qkv.load_state_dict({"weight": theirs.in_proj_weight, "bias": theirs.in_proj_bias})
    ours.proj.load_state_dict(theirs.out_proj.state_dict())
    tokens, mask = random_tokens(dtype=dtype), random_mask(6, 6)
    mask.fill_diagonal_(True)
    assert largest_difference(ours(tokens), theirs(tokens, tokens, tokens, need_weights=False)[0]) <= tolerance
    blocked = theirs(tokens, tokens, tokens, need_weights=False, attn_mask=~mask)[0]
    assert largest_difference(ours(tokens, mask), blocked) <= tolerance
    mistaken = theirs(tokens, tokens, tokens, need_weights=False, attn_mask=mask & ~torch.eye(6, dtype=torch.bool))[0]
    assert largest_difference(ours(tokens, mask), mistaken) > 1e-3


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
def test_cross_attention_equals_torchs(dtype, tolerance):
    theirs = torchs_attention(24, 3, dtype, memory_dim=10)
    ours = CrossAttention(24, 10, num_heads=3).to(dtype)
    bias = theirs.in_proj_bias.chunk(3)
    for layer, weight, part in [
        (ours.q, theirs.q_proj_weight, 0),
        (ours.k, theirs.k_proj_weight, 1),
        (ours.v, theirs.v_proj_weight, 2),
    ]:
        layer.load_state_dict({"weight": weight, "bias": bias[part]})
    ours.proj.load_state_dict(theirs.out_proj.state_dict())
    tokens, memory, mask = random_tokens(dtype=dtype), random_tokens(4, 10, dtype), random_mask(6, 4)
    assert largest_difference(ours(tokens, memory), theirs(tokens, memory, memory)[0]) <= tolerance
    masked = theirs(tokens, memory, memory, attn_mask=~mask)[0]
    assert largest_difference(ours(tokens, memory, mask), masked) <= tolerance


@pytest.mark.parametrize(
    "module", [MultiHeadAttention(24, num_heads=3), CrossAttention(24, num_heads=3)], ids=lambda m: type(m).__name__
)
def test_a_module_is_the_readable_attention_between_its_linear_maps(module):
    tokens = random_tokens()
    if isinstance(module, MultiHeadAttention):
        output, parts = module(tokens), module.qkv(tokens).split(24, dim=-1)
    else:
        output, parts = module(tokens, tokens), [layer(tokens) for layer in (module.q, module.k, module.v)]
    attended, weights = attention(*(split_heads(part, 3) for part in parts))
    assert weights.shape == (2, 3, 6, 6)
    assert largest_difference(module.proj(join_heads(attended)), output) <= 1e-5


def test_under_a_causal_mask_later_tokens_change_nothing_before_them():
    module = randomise(MultiHeadAttention(24, num_heads=3))
    tokens, causal = random_tokens(), torch.ones(6, 6, dtype=torch.bool).tril()
    changed = tokens.clone()
    changed[:, 4:] += 1
    before, after = module(tokens, causal), module(changed, causal)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().amin(dim=(0, 2)).min() > 0


def test_each_picture_may_have_a_mask_of_its_own():
    module = randomise(MultiHeadAttention(24, num_heads=3))
    tokens, mask = random_tokens(), random_mask(2, 1, 6, 6)
    alone = torch.cat([module(tokens[i : i + 1], mask[i, 0]) for i in range(2)])
    torch.testing.assert_close(module(tokens, mask), alone)


def test_a_cross_attention_without_anything_to_attend_to_is_the_bias_of_its_projection():
    module = randomise(CrossAttention(24, num_heads=3))
    output = module(random_tokens(), random_tokens(4), torch.zeros(6, 4, dtype=torch.bool))
    torch.testing.assert_close(output, module.proj.bias.expand(2, 6, 24))


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
@pytest.mark.parametrize("size", [(7, 7), pytest.param((2, 3), marks=TIMM_TAKES_OBLONG)])
def test_attention_pooling_equals_timms(size, dtype, tolerance):
    from timm.layers import AttentionPool2d as TimmPool

    theirs = randomise(TimmPool(24, feat_size=size, num_heads=3, qkv_separate=True)).to(dtype)
    ours = AttentionPool2d(24, num_heads=3, height=size[0], width=size[1]).to(dtype)
    weights = theirs.state_dict()
    ours.load_state_dict({"positions": weights.pop("pos_embed")} | {f"attend.{k}": v for k, v in weights.items()})
    grid = torch.randn(2, 24, *size, generator=torch.Generator().manual_seed(3), dtype=dtype)
    assert largest_difference(ours(grid), theirs(grid)) <= tolerance


def test_positions_of_attention_pooling_start_at_the_scale_of_clip():
    torch.manual_seed(0)
    assert AttentionPool2d(256, num_heads=4, height=14, width=14).positions.std().item() == pytest.approx(
        256**-0.5, rel=0.02
    )


def test_heads_are_slices_of_the_width_and_join_undoes_split():
    tokens = random_tokens()
    heads = split_heads(tokens, 3)
    assert torch.equal(heads[:, 1], tokens[..., 8:16])
    assert torch.equal(join_heads(heads), tokens)


def attend_with(**changes):
    arguments = dict(zip(("query", "key", "value"), random_heads(), strict=True)) | changes
    return lambda: attention(**arguments)


BAD = {
    "heads that do not divide": (lambda: MultiHeadAttention(30, num_heads=4), ValueError, "30 .* 4 heads"),
    "no heads": (lambda: MultiHeadAttention(30, num_heads=0), ValueError, "30 .* 0 heads"),
    "heads that do not divide, cross": (lambda: CrossAttention(30, num_heads=4), ValueError, "30 .* 4 heads"),
    "heads that do not divide, pool": (
        lambda: AttentionPool2d(30, num_heads=4, height=2, width=2),
        ValueError,
        "30 .* 4 heads",
    ),
    "mask transposed": (attend_with(mask=torch.ones(7, 5).bool()), ValueError, r"\(7, 5\).*expected \(5, 7\)"),
    "mask too short": (attend_with(mask=torch.ones(7).bool()), ValueError, r"\(7,\)"),
    "mask without heads": (attend_with(mask=torch.ones(3, 5, 7).bool()), ValueError, r"mask\[:, None\]"),
    "mask for another batch": (attend_with(mask=torch.ones(4, 1, 5, 7).bool()), ValueError, r"\(4, 1, 5, 7\)"),
    "mask of numbers": (attend_with(mask=torch.ones(5, 7)), TypeError, r"float32.*torch\.bool"),
    "mask of integers": (attend_with(mask=torch.ones(5, 7).long()), TypeError, r"int64.*torch\.bool"),
    "two widths": (attend_with(key=torch.ones(2, 3, 7, 9)), ValueError, "one width"),
    "more values than keys": (attend_with(value=torch.ones(2, 3, 8, 8)), ValueError, "one value for each key"),
    "no axis of tokens": (attend_with(query=torch.ones(8)), ValueError, "at least two axes"),
    "grid of another size": (
        lambda: AttentionPool2d(8, num_heads=2, height=3, width=3)(torch.ones(1, 8, 3, 4)),
        ValueError,
        "3 x 4",
    ),
    "tokens given for a grid": (
        lambda: AttentionPool2d(8, num_heads=2, height=3, width=3)(torch.ones(1, 9, 8)),
        ValueError,
        "four axes",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_sentence(name):
    call, error, words = BAD[name]
    with pytest.raises(error, match=words) as caught:
        call()
    assert "expected" in str(caught.value)


@pytest.mark.parametrize("mask", [torch.ones(6, 6), torch.ones(2, 6, 6).bool()], ids=["float", "no head axis"])
def test_the_modules_refuse_what_attention_refuses(mask):
    with pytest.raises((TypeError, ValueError), match="the mask"):
        MultiHeadAttention(24, num_heads=3)(random_tokens(), mask)
    with pytest.raises((TypeError, ValueError), match="the mask"):
        CrossAttention(24, num_heads=3)(random_tokens(), random_tokens(), mask)
