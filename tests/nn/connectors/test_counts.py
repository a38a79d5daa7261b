"""Tokens in, tokens out and parameters of each connector, written by hand."""

import pytest
import torch
from torch import nn

from vlmteach.nn import (
    AddPositions,
    AttentionPool,
    Connect,
    CrossAttentionConnector,
    DropPrefixTokens,
    DualEncoderHead,
    GatedCrossAttention,
    MeanPool,
    NormTokens,
    PerceiverResampler,
    Prefix,
    Projector,
    QFormer,
    RegionEncoder,
    SingleStream,
    SpaceToDepth,
    VectorFusion,
    on_grid,
)

# 64 wide tokens of a 6 x 8 grid (48), a language side 32 wide, 4 heads. A Linear(a, b) holds a*b + b numbers.
TRANSLATORS = {
    "linear": (lambda: Projector(64, 32), 48, 32, 64 * 32 + 32),
    "two layers": (lambda: Projector(64, 32, depth=2), 48, 32, 2080 + 32 * 32 + 32),
    "mean": (MeanPool, 1, 64, 0),
    "attention pool": (lambda: AttentionPool(64, num_heads=4, height=6, width=8), 1, 64, 49 * 64 + 4 * (64 * 64 + 64)),
    "pixel shuffle by 2": (lambda: SpaceToDepth(2), 12, 256, 0),
    "positions": (AddPositions, 48, 64, 0),
    "drop prefix": (DropPrefixTokens, 48, 64, 0),
    "norm": (lambda: NormTokens(64), 48, 64, 2 * 64),
    # latents; in each of 2 layers 3 norms, 4 square maps and an MLP of 256; a last norm
    "resampler": (
        lambda: PerceiverResampler(64, latents=8, depth=2, num_heads=4),
        8,
        64,
        512 + 2 * (3 * 128 + 4 * 4160 + (64 * 256 + 256) + (256 * 64 + 64)) + 128,
    ),
    # 384 queries' numbers, one block that looks (39312), one that does not (28272), a norm, a map to 32
    "q-former": (lambda: QFormer(64, 48, 32, queries=8, depth=2, num_heads=4), 8, 32, 384 + 39312 + 28272 + 96 + 1568),
}
MEETINGS = {
    "prefix": (lambda: Connect(Projector(64, 32), Prefix()), 53, 64 * 32 + 32),
    "concat": (lambda: VectorFusion(64, 32, kind="concat"), 5, (64 + 32) * 32 + 32 + 1056),
    "hadamard": (lambda: VectorFusion(64, 32, kind="hadamard"), 5, 2080 + 1056 + 1056),
    "film": (lambda: VectorFusion(64, 32, kind="film"), 5, 64 * 64 + 64),
    # a norm; q and out from 32, k and v from 64
    "cross-attention": (lambda: CrossAttentionConnector(64, 32, num_heads=4), 5, 64 + 2 * 1056 + 2 * 2080),
    # the same, two gates, a norm and an MLP of 128
    "gated": (lambda: GatedCrossAttention(64, 32, num_heads=4), 5, 6336 + 2 + 64 + (32 * 128 + 128) + (128 * 32 + 32)),
    # a map, two types, one block, a norm
    "single stream": (
        lambda: SingleStream(64, 32, depth=1, num_heads=4),
        53,
        2080 + 64 + (128 + 3168 + 1056 + 8352) + 64,
    ),
}


def learned(module):
    return sum(parameter.numel() for parameter in module.parameters())


def visual_tokens():
    return on_grid(torch.randn(1, 48, 64), 6, 8)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_translators(name):
    make, tokens, width, parameters = TRANSLATORS[name]
    module = make()
    assert module(visual_tokens()).tokens.shape == (1, tokens, width)
    assert learned(module) == parameters


@pytest.mark.parametrize("name", MEETINGS)
def test_meetings(name):
    make, tokens, parameters = MEETINGS[name]
    module = make()
    assert module(visual_tokens(), torch.randn(1, 5, 32)).shape == (1, tokens, 32)
    assert learned(module) == parameters


def test_the_dual_encoder_has_two_maps_and_a_scale():
    assert learned(DualEncoderHead(64, 32, 16)) == 64 * 16 + 32 * 16 + 1


@pytest.mark.parametrize(("geometry", "parameters"), [(7, 2080 + 64 + 256 + 64), (4, 2080 + 64 + 160 + 64)])
def test_a_region_encoder_adds_two_maps_and_two_norms(geometry, parameters):
    encoder = nn.Conv2d(3, 64, 1)
    encoder.grid = encoder.forward
    assert learned(RegionEncoder(encoder, 64, 32, stride=1, geometry=geometry)) - learned(encoder) == parameters


def test_llavas_projectors_by_their_published_shapes():
    with torch.device("meta"):
        assert learned(Projector(1024, 4096)) == 4_198_400
        assert learned(Projector(1024, 4096, depth=2)) == 20_979_712
