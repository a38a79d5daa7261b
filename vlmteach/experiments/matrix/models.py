"""The image encoders and connectors to compare. All else, the language model included, is the same in every cell.

Every encoder cuts a 48 x 48 picture into 6 x 6 cells of 8 pixels and has 100,000 to 150,000 parameters. Every
connector begins with the same translator: LayerNorm, a two-layer Projector, LayerNorm, and, where positions are on,
the place of each token. What follows makes the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vlmteach.nn import (
    AddPositions,
    AttentionPool,
    Connect,
    ConvNet,
    ConvStemViT,
    CrossAttentionConnector,
    LanguageModel,
    MeanPool,
    MultiHeadAttention,
    NormTokens,
    PerceiverResampler,
    Prefix,
    Projector,
    TransformerBlock,
    VisionLanguageModel,
    VisionTransformer,
    VisualTokens,
    WordTokenizer,
)
from vlmteach.nn.convnet import Padding
from vlmteach.nn.vit import Positions
from vlmteach.pictures.look import CELL, GREY
from vlmteach.pictures.scenes.questions import LENGTH, VOCABULARY
from vlmteach.pictures.scenes.sampling import CELLS

DIM = 64  # of the language model
DEPTH = 2
HEADS = 4
LATENTS = 8  # of the resampler
SIDE = CELL * CELLS
MEAN, STD = GREY / 255, 0.2  # an empty board, and about how far things are from it


class Standardise(nn.Module):
    """(picture - mean) / std: an empty board becomes zero, as every processor of a real encoder does."""

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 3, H, W)."""
        return (image - MEAN) / STD


class ThenAttention(nn.Module):
    """An encoder, then one transformer block over its tokens."""

    def __init__(self, encoder: nn.Module, dim: int) -> None:
        super().__init__()
        self.encoder, self.block = encoder, TransformerBlock(dim, num_heads=HEADS)

    def forward(self, image: Tensor) -> VisualTokens:
        """(B, 3, H, W) -> one token for each cell."""
        visual = self.encoder(image)
        return visual.with_tokens(self.block(visual.tokens))


class AttentionLayer(nn.Module):
    """tokens + attention(norm(tokens)): as many numbers, and drawn alike, as CrossAttentionConnector has."""

    def __init__(self, dim: int, *, num_heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attend = MultiHeadAttention(dim, num_heads=num_heads)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, D) -> (B, N, D); mask True = may attend."""
        return tokens + self.attend(self.norm(tokens), mask)


@dataclass(frozen=True)
class MatrixEncoder:
    """An image encoder. title: in words. width: of its tokens. build: a new one with random weights."""

    title: str
    width: int
    build: Callable[[], nn.Module]


@dataclass(frozen=True)
class Connector:
    """A way to the language model, for translated tokens DIM wide.

    title: in words. build: a new one, in two parts: what is done to the tokens, and how they meet the words.
    layer: one more layer of attention before the language model's own blocks, over all it reads; None adds none.
    """

    title: str
    build: Callable[[], tuple[nn.Module, nn.Module]]
    layer: Callable[[], nn.Module] | None = None


def _cnn(dim: int, *dilations: int, padding: Padding = "circular") -> ConvNet:
    return ConvNet(dim, dilations, stem="patch", stride=CELL, padding_mode=padding)


def _vit(positions: Positions) -> VisionTransformer:
    return VisionTransformer(SIDE, CELL, DIM, depth=2, num_heads=HEADS, cls=False, positions=positions)


def _conv_stem_vit() -> ConvStemViT:
    return ConvStemViT(SIDE, CELL, DIM, depth=2, num_heads=HEADS, cls=False)


MATRIX_ENCODERS = {
    "cnn-small": MatrixEncoder("CNN, field 3 cells", 104, lambda: _cnn(104, 1)),
    "cnn-large": MatrixEncoder("CNN, field 7 cells", DIM, lambda: _cnn(DIM, 1, 1, 1)),
    "cnn-attention": MatrixEncoder("CNN + one attention block", DIM, lambda: ThenAttention(_cnn(DIM, 1, 1), DIM)),
    "conv-stem-vit": MatrixEncoder("ViT with a convolutional stem", DIM, _conv_stem_vit),
    "vit": MatrixEncoder("ViT", DIM, lambda: _vit("learned")),
    # controls, for the theorem and its leak
    "cnn-small-zeros": MatrixEncoder("CNN, field 3 cells, zero padding", 104, lambda: _cnn(104, 1, padding="zeros")),
    "vit-bag": MatrixEncoder("ViT without positions", DIM, lambda: _vit("none")),
}


def _pooled(pool: nn.Module) -> tuple[nn.Module, nn.Module]:
    """An MLP on each token with its position, then one vector for all, read like one word in front."""
    return nn.Sequential(Projector(DIM, DIM, depth=2), pool, NormTokens(DIM)), Prefix()


def _attention_pooled() -> tuple[nn.Module, nn.Module]:
    return _pooled(AttentionPool(DIM, num_heads=HEADS, height=CELLS, width=CELLS))


def _prefix() -> tuple[nn.Module, nn.Module]:
    return nn.Identity(), Prefix()


def _resampled() -> tuple[nn.Module, nn.Module]:
    return PerceiverResampler(DIM, latents=LATENTS, depth=1, num_heads=HEADS), Prefix()


def _asked() -> tuple[nn.Module, nn.Module]:
    return nn.Identity(), CrossAttentionConnector(DIM, DIM, num_heads=HEADS)


MATRIX_CONNECTORS = {
    "prefix": Connector("grid as a prefix", _prefix),
    # as many layers of attention and as many parameters as with cross-attention
    "deep-prefix": Connector("grid as a prefix, one more layer", _prefix, lambda: AttentionLayer(DIM, num_heads=HEADS)),
    "cross-attention": Connector("cross-attention", _asked),
    "resampler": Connector(f"resampler, {LATENTS} latents", _resampled),
    "attention-pool": Connector("attention-pooled vector", _attention_pooled),
    "vector": Connector("mean vector", lambda: _pooled(MeanPool())),
}


def build_vlm(encoder: str, connector: str, positions: bool, seed: int) -> VisionLanguageModel:
    """One cell of the matrix, its weights drawn by a seed; the caller's random state is kept.

    positions: whether the connector adds each token's place. Raises ValueError for an unknown name.
    """
    for kind, name, known in (("encoder", encoder, MATRIX_ENCODERS), ("connector", connector, MATRIX_CONNECTORS)):
        if name not in known:
            raise ValueError(f"there is no {kind} {name!r} in the matrix; expected one of {', '.join(known)}.")
    chosen, way = MATRIX_ENCODERS[encoder], MATRIX_CONNECTORS[connector]
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        places = [AddPositions()] if positions else []
        translator = [NormTokens(chosen.width), Projector(chosen.width, DIM, depth=2), NormTokens(DIM), *places]
        then, meeting = way.build()
        model = VisionLanguageModel(
            nn.Sequential(Standardise(), chosen.build()),
            Connect(nn.Sequential(*translator, then), meeting),
            LanguageModel(WordTokenizer(VOCABULARY), DIM, depth=DEPTH, num_heads=HEADS, context=LENGTH),
        )
        if way.layer is not None:
            model.language_model.blocks.insert(0, way.layer())
        return model
