import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_weights import largest_difference
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vlmteach.probes.attention_weights import attend, multiplies_in_full

CPU = torch.device("cpu")


def _attend(*args, **kwargs):
    return attend(multiplies_in_full, *args, **kwargs)


def heads(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def masks():
    some = heads(5, 7, seed=3) > 0
    some[2] = False  # a query that may attend to nothing
    bias = heads(2, 1, 5, 7, seed=4)
    return {
        "none": {},
        "bool": {"attn_mask": some},
        "bool, one for each picture": {"attn_mask": torch.stack([some, ~some])[:, None]},
        "bias": {"attn_mask": bias},
        "bias with -inf": {"attn_mask": bias.masked_fill(~some, -torch.inf)},
        "causal": {"is_causal": True},
        "scale": {"scale": 0.7},
    }


@pytest.mark.parametrize("options", masks().values(), ids=masks().keys())
def test_the_output_is_that_of_torchs_fused_function(options):
    query, key, value = heads(2, 3, 5, 4), heads(2, 3, 7, 4, seed=1), heads(2, 3, 7, 6, seed=2)
    output, weights = _attend(query, key, value, **options)
    assert largest_difference(output, F.scaled_dot_product_attention(query, key, value, **options)) <= 1e-12
    assert largest_difference(weights @ value, output) <= 1e-12
    total = weights.sum(dim=-1)
    assert torch.allclose(total, (total > 0.5).double())  # each row sums to 1, or to 0 where all was blocked


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.integers(0, 99))
def test_every_row_is_a_distribution_for_any_shape(batch, queries, keys, width, seed):
    query, key, value = (heads(batch, 2, n, width, seed=seed + n) for n in (queries, keys, keys))
    output, weights = _attend(query, key, value)
    assert weights.shape == (batch, 2, queries, keys)
    assert (weights >= 0).all()
    assert torch.allclose(weights.sum(dim=-1), torch.ones((), dtype=torch.float64))
    assert largest_difference(output, F.scaled_dot_product_attention(query, key, value)) <= 1e-12


def test_a_key_head_can_serve_several_query_heads():
    query, key, value = heads(2, 6, 5, 4), heads(2, 2, 5, 4, seed=1), heads(2, 2, 5, 4, seed=2)
    output, weights = _attend(query, key, value, enable_gqa=True)
    assert weights.shape == (2, 6, 5, 5)
    assert largest_difference(output, F.scaled_dot_product_attention(query, key, value, enable_gqa=True)) <= 1e-12


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights_are_computed_in_float32(dtype):
    query, key, value = (heads(1, 2, 5, 4, seed=seed, dtype=torch.float32).to(dtype) for seed in range(3))
    bias = torch.zeros(5, 5, dtype=dtype).masked_fill(torch.ones(5, 5).triu(1).bool(), -math.inf)
    output, weights = _attend(query, key, value, attn_mask=bias)
    exact = (query.float() @ key.float().mT / 2 + bias.float()).softmax(dim=-1)
    assert output.dtype == dtype
    assert weights.dtype == torch.float32
    assert largest_difference(weights, exact) <= 1e-5


class RoundedProducts(TorchFunctionMode):
    """As TF32 and bfloat16 do it: factors in float32 lose digits before they are multiplied."""

    def __init__(self, bits):
        super().__init__()
        self.bits = bits

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is Tensor.matmul and args[0].dtype == torch.float32:
            args = [self.rounded(factor) for factor in args]
        return func(*args, **(kwargs or {}))

    def rounded(self, factor):
        fraction, exponent = factor.frexp()
        return (fraction * 2**self.bits).round().div(2**self.bits).ldexp(exponent)


@pytest.mark.parametrize("bits", [8, 11, 16])  # bfloat16, TF32, two parts of bfloat16
def test_where_products_are_rounded_the_weights_are_not(bits):
    query, key, value = (3 * heads(1, 2, 65, 64, seed=seed, dtype=torch.float32) for seed in range(3))
    exact = (query.double() @ key.double().mT / 8).softmax(dim=-1).float()
    assert multiplies_in_full(CPU)
    assert largest_difference(_attend(query, key, value)[1], exact) <= 5e-6
    with RoundedProducts(bits):
        assert not multiplies_in_full(CPU)
        weights = _attend(query, key, value)[1]
        rounded = attend(lambda device: True, query, key, value)[1]
    assert largest_difference(weights, exact) <= 1e-6
    assert largest_difference(rounded, exact) >= 1e-5


def test_weights_dropped_at_random_are_refused():
    with pytest.raises(ValueError, match="drops weights at random"):
        _attend(heads(1, 1, 2, 2), heads(1, 1, 2, 2), heads(1, 1, 2, 2), dropout_p=0.1)
