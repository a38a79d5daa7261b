"""Any encoder with any connector: one table of each, every pair forward and backward."""

import itertools

import pytest
import torch
from torch import nn

from vlmteach.backbones import GridEncoder
from vlmteach.nn import (
    AddPositions,
    AttentionPool,
    ClsPool,
    Connect,
    ConvNet,
    ConvStemViT,
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
    VisionTransformer,
    contrastive_loss,
)

VISION, DIM, HEADS, STRIDE, WORDS = 8, 12, 2, 4, 3


class Regions(RegionEncoder):
    """Three boxes of fixed share, so that it is called like every other encoder."""

    def forward(self, image):
        height, width = image.shape[2:]
        share = torch.tensor([[0, 0, 0.5, 0.5], [0.25, 0.25, 1, 0.75], [0, 0, 1, 1]])
        boxes = share * torch.tensor([height, width, height, width])
        return super().forward(image, boxes.expand(len(image), -1, -1))


def convnet(**options):
    return ConvNet(dim=VISION, dilations=(1,), stride=STRIDE, **options)


def vit(height, width, **options):
    return VisionTransformer((height, width), STRIDE, VISION, depth=1, num_heads=HEADS, **options)


def any_cnn():
    layers = [nn.Conv2d(3, VISION, 3, 2, 1), nn.BatchNorm2d(VISION), nn.ReLU(), nn.Conv2d(VISION, VISION, 3, 2, 1)]
    return GridEncoder(nn.Sequential(*layers))


ENCODERS = {
    "CNN": lambda h, w: convnet(),
    "CNN, patch stem": lambda h, w: convnet(stem="patch", padding_mode="circular"),
    "CNN of a library": lambda h, w: any_cnn(),
    "ViT with CLS and registers": lambda h, w: vit(h, w, registers=2),
    "ViT without prefix tokens or positions": lambda h, w: vit(h, w, cls=False, positions="none"),
    "hybrid": lambda h, w: ConvStemViT((h, w), STRIDE, VISION, depth=1, num_heads=HEADS),
    "regions of a CNN": lambda h, w: Regions(convnet(), VISION, VISION, stride=STRIDE),
    "regions of a ViT": lambda h, w: Regions(vit(h, w), VISION, VISION, stride=STRIDE, geometry=4),
    "vector of a CNN": lambda h, w: nn.Sequential(convnet(), MeanPool()),
    "vector of a ViT": lambda h, w: nn.Sequential(vit(h, w), ClsPool()),
}
HAS_GRID = ("CNN", "CNN, patch stem", "CNN of a library", "ViT with CLS and registers", "hybrid")
HAS_GRID += ("ViT without prefix tokens or positions",)


def prefix(*translators):
    """Translators, then the visual tokens in front of the words."""
    return Connect(nn.Sequential(*translators), Prefix())


class Contrast(DualEncoderHead):
    def forward(self, visual, text):
        return contrastive_loss(*super().forward(visual, text), self.log_scale)


def opened_gate():
    layer = GatedCrossAttention(VISION, DIM, num_heads=HEADS)
    nn.init.ones_(layer.gate)
    nn.init.ones_(layer.mlp_gate)
    return layer


def opened_film():
    fusion = VectorFusion(VISION, DIM, kind="film")
    nn.init.normal_(fusion.combine.gamma_beta.weight)
    return fusion


# name -> how to make it for a grid of h x w cells, and the tokens that come out for n visual tokens
CONNECTORS = {
    "prefix, linear": (lambda h, w: prefix(Projector(VISION, DIM)), lambda n: n + WORDS),
    "prefix, norm, two layers, positions": (
        lambda h, w: prefix(NormTokens(VISION), AddPositions(), Projector(VISION, DIM, depth=2)),
        lambda n: n + WORDS,
    ),
    "resampler": (
        lambda h, w: prefix(PerceiverResampler(VISION, latents=5, depth=1, num_heads=HEADS), Projector(VISION, DIM)),
        lambda n: 8,
    ),
    "q-former": (lambda h, w: prefix(QFormer(VISION, 8, DIM, queries=4, depth=2, num_heads=HEADS)), lambda n: 7),
    "cross-attention": (lambda h, w: CrossAttentionConnector(VISION, DIM, num_heads=HEADS), lambda n: WORDS),
    "gated cross-attention": (lambda h, w: opened_gate(), lambda n: WORDS),
    "concat": (lambda h, w: VectorFusion(VISION, DIM, kind="concat"), lambda n: WORDS),
    "hadamard": (lambda h, w: VectorFusion(VISION, DIM, kind="hadamard"), lambda n: WORDS),
    "film": (lambda h, w: opened_film(), lambda n: WORDS),
    "single stream": (lambda h, w: SingleStream(VISION, DIM, depth=1, num_heads=HEADS), lambda n: n + WORDS),
    "dual encoder": (lambda h, w: Contrast(VISION, DIM, 6), None),
}
NEEDS_GRID = {
    "attention pool": (
        lambda h, w: VectorFusion(
            VISION,
            DIM,
            kind="hadamard",
            pool=nn.Sequential(DropPrefixTokens(), AttentionPool(VISION, num_heads=HEADS, height=h, width=w)),
        ),
        lambda n: WORDS,
    ),
    "pixel shuffle": (
        lambda h, w: prefix(DropPrefixTokens(), SpaceToDepth(2), Projector(4 * VISION, DIM)),
        lambda n: 6 + WORDS,
    ),
}


def run(encoder_name, connector_name, height, width):
    torch.manual_seed(0)
    rows, columns = -(-height // STRIDE), -(-width // STRIDE)
    encoder = ENCODERS[encoder_name](height, width)
    make, count = {**CONNECTORS, **NEEDS_GRID}[connector_name]
    connector = make(rows, columns)
    visual = encoder(torch.rand(2, 3, height, width))
    text = torch.randn(2, WORDS, DIM, requires_grad=True)
    out = connector(visual, text)
    if count is not None:
        assert out.shape == (2, count(visual.tokens.shape[1]), DIM)
    (out * torch.randn_like(out)).sum().backward()
    for part in (encoder, connector):
        for name, parameter in part.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
    learns = [sum(p.grad.abs().sum() for p in part.parameters()) for part in (encoder, connector)]
    assert min(learns) > 0
    assert text.grad.abs().sum() > 0


@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_connector_takes_every_encoder(encoder, connector):
    run(encoder, connector, 12, 20)  # 3 x 5 cells: odd, and wider than high


@pytest.mark.parametrize("encoder", HAS_GRID)
@pytest.mark.parametrize("connector", NEEDS_GRID)
def test_what_needs_neighbours_takes_every_grid(encoder, connector):
    run(encoder, connector, 24, 16) if connector == "attention pool" else run(encoder, connector, 16, 24)


@pytest.mark.parametrize(
    ("encoder", "connector"), itertools.product([name for name in ENCODERS if name not in HAS_GRID], NEEDS_GRID)
)
def test_what_needs_neighbours_refuses_what_has_none(encoder, connector):
    with pytest.raises(ValueError, match=r"cells of one grid|does not divide 1 x 1|expected 4 x 6"):
        run(encoder, connector, 16, 24)


@pytest.mark.parametrize("connector", CONNECTORS)
def test_an_odd_picture_is_no_trouble(connector):
    run("CNN of a library", connector, 13, 21)


def test_one_projector_object_serves_them_all():
    projector = Projector(VISION, DIM)
    widths = {name: projector(make(12, 20)(torch.rand(1, 3, 12, 20))).tokens.shape for name, make in ENCODERS.items()}
    assert widths == {
        "CNN": (1, 15, DIM),
        "CNN, patch stem": (1, 15, DIM),
        "CNN of a library": (1, 15, DIM),
        "ViT with CLS and registers": (1, 18, DIM),
        "ViT without prefix tokens or positions": (1, 15, DIM),
        "hybrid": (1, widths["hybrid"][1], DIM),
        "regions of a CNN": (1, 3, DIM),
        "regions of a ViT": (1, 3, DIM),
        "vector of a CNN": (1, 1, DIM),
        "vector of a ViT": (1, 1, DIM),
    }
