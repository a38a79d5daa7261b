"""torch.fx writes down the graph of every encoder and whole model as they are, and the graph computes the same."""

import pytest
import torch
from support.random_weights import randomise
from torch import nn
from torch.fx import symbolic_trace

from vlmteach.nn import (
    AddPositions,
    AttentionPool,
    ClsPool,
    Connect,
    ConvNet,
    ConvStemViT,
    CrossAttentionConnector,
    DropPrefixTokens,
    GatedCrossAttention,
    LanguageModel,
    MeanPool,
    NormTokens,
    PatchEmbed,
    PerceiverResampler,
    Prefix,
    Projector,
    QFormer,
    RegionEncoder,
    SingleStream,
    SpaceToDepth,
    VectorFusion,
    VisionLanguageModel,
    VisionTransformer,
    WordTokenizer,
)
from vlmteach.probes import receptive_field

VISION, DIM, HEADS = 8, 12, 2
TOKENIZER = WordTokenizer(("<pad>", "is", "red", "?"))
QUESTIONS = torch.tensor([[[1, 2, 3], [2, 2, 3]], [[1, 1, 3], [3, 2, 1]]])


def pictures(height=16, width=24):
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def vit(**options):
    return VisionTransformer((16, 24), 8, VISION, depth=1, num_heads=HEADS, **options)


ENCODERS = {
    "CNN": lambda: ConvNet(VISION, (1, 2)),
    "CNN, patch stem": lambda: ConvNet(VISION, (1,), stem="patch", padding_mode="circular"),
    "ViT": lambda: vit(registers=2),
    "ViT, sines": lambda: vit(positions="sincos", cls=False),
    "ViT, a bag": lambda: vit(positions="none"),
    "hybrid": lambda: ConvStemViT((16, 24), 8, VISION, depth=1, num_heads=HEADS),
    "in a sequence": lambda: nn.Sequential(nn.Identity(), ConvNet(VISION, (1,)), DropPrefixTokens(), AddPositions()),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_the_graph_of_an_encoder_gives_the_same_visual_tokens(name):
    encoder = randomise(ENCODERS[name]())
    ours, traced = encoder(pictures()), symbolic_trace(encoder)(pictures())
    assert torch.equal(traced.tokens, ours.tokens)
    assert torch.equal(traced.boxes, ours.boxes)
    assert (traced.num_prefix_tokens, traced.grid) == (ours.num_prefix_tokens, ours.grid)


@pytest.mark.parametrize("name", ["CNN", "ViT, sines", "ViT, a bag"])
def test_the_graph_holds_for_pictures_of_any_size(name):
    encoder = randomise(ENCODERS[name]())
    traced = symbolic_trace(encoder)(pictures(32, 8))
    assert torch.equal(traced.tokens, encoder(pictures(32, 8)).tokens)
    assert traced.grid == (4, 1)


def test_the_graph_of_regions_and_of_the_patch_embedding():
    boxes = torch.tensor([[[0.0, 0, 8, 8], [4, 4, 16, 23]]]).expand(2, -1, -1)
    regions = randomise(RegionEncoder(ConvNet(VISION, (1,)), VISION, DIM, stride=8))
    assert torch.equal(symbolic_trace(regions)(pictures(), boxes).tokens, regions(pictures(), boxes).tokens)
    embed = PatchEmbed(8, VISION)
    assert torch.equal(symbolic_trace(embed)(pictures()), embed(pictures()))


def prefix(*translators):
    return Connect(nn.Sequential(*translators), Prefix())


CONNECTORS = {
    "prefix": lambda: prefix(NormTokens(VISION), AddPositions(), Projector(VISION, DIM, depth=2)),
    "prefix behind an identity": lambda: prefix(nn.Identity(), AddPositions(), Projector(VISION, DIM), nn.Identity()),
    "pixel shuffle": lambda: prefix(DropPrefixTokens(), SpaceToDepth(1), Projector(VISION, DIM)),
    "resampler": lambda: prefix(
        PerceiverResampler(VISION, latents=3, depth=1, num_heads=HEADS), Projector(VISION, DIM)
    ),
    "q-former": lambda: prefix(QFormer(VISION, 8, DIM, queries=3, depth=2, num_heads=HEADS)),
    "cross-attention": lambda: CrossAttentionConnector(VISION, DIM, num_heads=HEADS),
    "gated": lambda: GatedCrossAttention(VISION, DIM, num_heads=HEADS),
    "single stream": lambda: SingleStream(VISION, DIM, depth=1, num_heads=HEADS),
    "mean": lambda: VectorFusion(VISION, DIM, kind="film", pool=MeanPool()),
    "attention pool": lambda: VectorFusion(
        VISION,
        DIM,
        kind="concat",
        pool=nn.Sequential(DropPrefixTokens(), AttentionPool(VISION, num_heads=HEADS, height=2, width=3)),
    ),
}


def make_model(encoder, connector):
    language_model = LanguageModel(TOKENIZER, DIM, depth=1, num_heads=HEADS, context=3)
    return randomise(VisionLanguageModel(ENCODERS[encoder](), CONNECTORS[connector](), language_model))


@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("encoder", ["CNN", "ViT"])
def test_the_graph_of_a_whole_model_gives_the_same_scores(encoder, connector):
    model = make_model(encoder, connector)
    traced = symbolic_trace(model)
    assert torch.equal(traced(pictures(), QUESTIONS), model(pictures(), QUESTIONS))
    assert torch.equal(traced(pictures(), QUESTIONS[:, :1, :2]), model(pictures(), QUESTIONS[:, :1, :2]))


def test_the_graph_of_a_model_that_reads_the_cls_token():
    model = make_model("ViT", "cross-attention")
    model.connector = VectorFusion(VISION, DIM, kind="hadamard", pool=ClsPool())
    model.eval()
    assert torch.equal(symbolic_trace(model)(pictures(), QUESTIONS), model(pictures(), QUESTIONS))


def test_tracing_needs_no_picture_and_computing_still_refuses_bad_visual_tokens():
    traced = symbolic_trace(make_model("ViT", "cross-attention"))
    with pytest.raises((ValueError, RuntimeError)):
        traced(pictures(24, 24), QUESTIONS)


@pytest.mark.parametrize("size", [None, (16, 24)], ids=str)
def test_the_field_of_a_token_is_that_of_its_cell(size):
    """The probe follows the encoder as it is: what came out of `features` is what the tokens hold."""
    cnn = ConvNet(VISION, (1, 2))
    fields = receptive_field(cnn, size)
    alone = receptive_field(cnn.features, size)["output"]
    assert fields["output[tokens]"].size == fields["features"].size == alone.size
    assert fields["output[tokens]"].box(1, 2) == alone.box(1, 2)


def test_the_field_of_a_vits_token_is_the_whole_picture_because_of_attention():
    field = receptive_field(vit(registers=2), (16, 24))["output[tokens]"]
    assert field.reach == "global"
    assert "attention" in field.because
