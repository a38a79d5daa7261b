import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmteach.nn import VisionTransformer
from vlmteach.probes import (
    AttentionMaps,
    PictureTokens,
    attention_entropy,
    attention_maps,
    attention_rollout,
    mean_attention_distance,
)


def maps_of(*weights, num_prefix_tokens=0, grid=(2, 2), layers=None):
    names = tuple(f"blocks.{i}.attn" for i in range(len(weights)))
    layers = tuple(range(len(weights))) if layers is None else layers
    return AttentionMaps(names, tuple(weights), layers, PictureTokens("", num_prefix_tokens, *grid))


def random_weights(count, seed, batch=2, heads=3):
    scores = torch.randn(batch, heads, count, count, generator=torch.Generator().manual_seed(seed))
    return (3 * scores).double().softmax(dim=-1)


def uniform(count, batch=1, heads=2):
    return torch.full((batch, heads, count, count), 1 / count)


# rollout


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 4), st.integers(0, 99))
def test_every_row_of_a_rollout_sums_to_one(height, width, num_prefix_tokens, depth, seed):
    count = num_prefix_tokens + height * width
    layers = [random_weights(count, seed + i) for i in range(depth)]
    rollout = attention_rollout(maps_of(*layers, num_prefix_tokens=num_prefix_tokens, grid=(height, width)))
    assert rollout.shape == (2, count, count)
    assert (rollout >= 0).all()
    assert torch.allclose(rollout.sum(dim=-1), torch.ones((), dtype=torch.float64))


def test_rows_are_normalised_one_by_one():
    """The known bug: dividing by the row sums without keepdim divides columns. A masked row, of sum 0, shows it."""
    weights = random_weights(4, seed=1)
    weights[:, :, 2] = 0  # this token may attend to nothing: only its skip connection is left
    rollout = attention_rollout(maps_of(weights))
    assert torch.allclose(rollout.sum(dim=-1), torch.ones((), dtype=torch.float64))
    assert torch.allclose(rollout[0, 2], torch.tensor([0.0, 0, 1, 0], dtype=torch.float64))


def test_a_token_that_attends_to_itself_only_stays_itself():
    identity = torch.eye(4).expand(1, 2, 4, 4)
    assert torch.equal(attention_rollout(maps_of(identity, identity, identity))[0], torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize("depth", [1, 2, 5, 12])
def test_uniform_attention_leaves_half_of_a_token_in_each_layer(depth):
    count = 6
    rollout = attention_rollout(maps_of(*[uniform(count)] * depth, grid=(2, 3)))
    kept = 2.0**-depth
    expected = kept * torch.eye(count, dtype=torch.float64) + (1 - kept) / count
    assert torch.allclose(rollout[0], expected, atol=1e-6)


def test_the_last_layer_stands_in_front_of_the_product():
    first, second = random_weights(4, 1), random_weights(4, 2)
    half = [(weights.mean(dim=1) + torch.eye(4)) / 2 for weights in (first, second)]
    assert torch.allclose(attention_rollout(maps_of(first, second)), half[1] @ half[0])


def test_a_rollout_over_a_gap_is_refused():
    with pytest.raises(ValueError, match=r"the maps hold layers 0, 2; the rollout .* needs all in between"):
        attention_rollout(maps_of(uniform(4), uniform(4), layers=(0, 2)))


# distance


@pytest.mark.parametrize(("side", "patch", "pixels"), [(14, 16, 116.4922), (7, 32, 115.5029), (16, 14, 116.5651)])
@pytest.mark.parametrize("num_prefix_tokens", [0, 1, 5])
def test_uniform_attention_has_the_known_distance(side, patch, pixels, num_prefix_tokens):
    maps = maps_of(
        uniform(num_prefix_tokens + side * side, heads=1), num_prefix_tokens=num_prefix_tokens, grid=(side, side)
    )
    distance = mean_attention_distance(maps, patch)
    assert distance.shape == (1, 1)
    assert distance.item() == pytest.approx(pixels, abs=5e-5)


def test_weight_on_the_prefix_is_taken_off_and_the_rest_normalised_again():
    """The known bug: without it a head that looks at CLS seems to look nearby."""
    patches = random_weights(6, seed=3)
    with_cls = torch.zeros(2, 3, 7, 7, dtype=torch.float64)
    with_cls[:, :, :, 0] = 0.9
    with_cls[:, :, 1:, 1:] = 0.1 * patches
    plain = mean_attention_distance(maps_of(patches, grid=(2, 3)), 16)
    assert torch.allclose(mean_attention_distance(maps_of(with_cls, num_prefix_tokens=1, grid=(2, 3)), 16), plain)


def test_distances_by_hand():
    """One row of three patches of 10 px. Head 0 looks at itself, head 1 always at the left end."""
    weights = torch.stack([torch.eye(3), torch.tensor([[1.0, 0, 0]]).expand(3, 3)])[None]
    distance = mean_attention_distance(maps_of(weights, grid=(1, 3)), 10)
    assert torch.allclose(distance, torch.tensor([[0.0, (0 + 10 + 20) / 3]], dtype=torch.float64))


def test_a_patch_that_attends_to_the_prefix_only_has_no_distance():
    weights = torch.zeros(1, 1, 5, 5)
    weights[..., 0] = 1
    with pytest.raises(ValueError, match="no weight to measure a distance"):
        mean_attention_distance(maps_of(weights, num_prefix_tokens=1), 16)


def test_a_patch_has_at_least_one_pixel():
    with pytest.raises(ValueError, match="patch size is 0"):
        mean_attention_distance(maps_of(uniform(4)), 0)


# entropy


def test_entropy_goes_from_zero_to_the_logarithm_of_the_number_of_tokens():
    sharp = torch.eye(5).expand(1, 2, 5, 5)
    entropy = attention_entropy(maps_of(sharp, uniform(5), num_prefix_tokens=1))
    assert torch.allclose(entropy, torch.tensor([[0.0, 0.0], [math.log(5)] * 2], dtype=torch.float64))


def test_entropy_is_that_of_patches_and_not_of_the_prefix():
    weights = uniform(3).clone()
    weights[:, :, 0] = torch.tensor([1.0, 0, 0])  # the CLS token attends to itself alone
    entropy = attention_entropy(maps_of(weights, num_prefix_tokens=1, grid=(1, 2)))
    assert torch.allclose(entropy, torch.full((1, 2), math.log(3), dtype=torch.float64))


# all of them


def test_a_table_has_one_row_a_layer_and_ignores_a_pooling_head():
    maps = maps_of(random_weights(4, 1), random_weights(4, 2), uniform(4)[:, :, :1])
    for table in (mean_attention_distance(maps, 8), attention_entropy(maps)):
        assert table.shape == (2, 3)
    assert attention_rollout(maps).shape == (2, 4, 4)


def test_layers_with_different_heads_make_no_table():
    with pytest.raises(ValueError, match=r"the layers have \[3, 2\] heads"):
        attention_entropy(maps_of(random_weights(4, 1, batch=1), uniform(4)))


def test_without_positions_a_network_says_nothing_about_distance():
    maps = AttentionMaps(("attn",), (uniform(4),), (0,), None)
    with pytest.raises(ValueError, match="places and distances have no meaning"):
        mean_attention_distance(maps, 16)


def test_statistics_of_a_real_network():
    torch.manual_seed(0)
    model = VisionTransformer(32, 8, dim=24, depth=3, num_heads=3, registers=2).eval()
    maps = attention_maps(model, torch.randn(2, 3, 32, 32))
    distance, entropy = mean_attention_distance(maps, 8), attention_entropy(maps)
    assert distance.shape == entropy.shape == (3, 3)
    assert ((distance > 0) & (distance < 32 * math.sqrt(2))).all()
    assert ((entropy > 0) & (entropy <= math.log(19) + 1e-6)).all()
