import pytest
import timm
import torch
from support.peers import TIMM_TAKES_OBLONG
from support.random_weights import largest_difference, random_network, randomise
from timm.layers import AttentionPool2d as TimmPool
from torch import nn

from vlmteach.backbones import ClipResNet, attention_pool_from_timm
from vlmteach.probes import attention_maps, receptive_field


@pytest.fixture(scope="module")
def both():
    theirs = random_network(timm.create_model, "resnet50_clip.openai", scale=0.03)
    return theirs, ClipResNet(theirs)


@torch.no_grad()
def test_the_pool_makes_clips_vector_of_the_grid(both):
    theirs, ours = both
    image = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = theirs(image)
    assert 0.01 < expected.std() < 100
    assert largest_difference(ours.pool(ours.grid(image)), expected) <= 1e-4


def test_the_pools_attention_can_be_read_one_query_over_mean_and_cells(both):
    _, ours = both
    weights = attention_maps(ours.pool, torch.randn(1, 2048, 7, 7)).weights[0]
    assert weights.shape == (1, 32, 1, 50)
    assert not torch.allclose(weights, weights.mean(dim=-1, keepdim=True))


def test_its_receptive_field_can_be_computed_although_the_heads_cannot_be_traced(both):
    _, ours = both
    field = receptive_field(ours.model)["stages"]
    assert field.stride == (32, 32)
    assert field.reach == "local"
    assert field.size[0] > 427  # a third convolution in the stem and pools before strides: wider than torchvision's


@torch.no_grad()
@pytest.mark.parametrize("size", [(3, 3), pytest.param((2, 5), marks=TIMM_TAKES_OBLONG)], ids=str)
def test_a_pool_is_copied_with_its_own_memory_width_and_mode(size):
    theirs = randomise(TimmPool(32, feat_size=size, out_features=8, head_dim=16, qkv_separate=True)).double()
    ours = attention_pool_from_timm(theirs)
    grid = torch.randn(2, 32, *size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = theirs(grid)
    assert largest_difference(ours(grid), expected) <= 1e-10
    assert ours(grid).shape == (2, 8)
    assert not ours.training
    theirs.v.weight.zero_()
    assert torch.equal(ours(grid), attention_pool_from_timm(theirs)(grid)) is False
    assert attention_pool_from_timm(theirs.train()).training


@pytest.mark.parametrize(
    "pool",
    [
        nn.Linear(2, 2),
        TimmPool(64),
        TimmPool(64, qkv_separate=True, pool_type=""),
        TimmPool(64, qkv_separate=True, class_token=True),
    ],
)
def test_another_pool_is_refused(pool):
    with pytest.raises(TypeError, match=r"expected timm's AttentionPool2d as CLIP's"):
        attention_pool_from_timm(pool)


def test_another_resnet_is_refused():
    with pytest.raises(TypeError, match=r"expected timm's AttentionPool2d as CLIP's"):
        ClipResNet(timm.create_model("test_resnet"))
