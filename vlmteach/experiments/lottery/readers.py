"""A question that reads a picture of a ladder lottery, in one or several layers of cross-attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vlmteach.experiments.cliff.encoders import DIM, HEADS
from vlmteach.nn.connectors.resampler import ResamplerLayer
from vlmteach.nn.convnet import ConvNet
from vlmteach.nn.positions import sincos_positions
from vlmteach.nn.vit import VisionTransformer
from vlmteach.pictures.cliff import CELLS
from vlmteach.pictures.look import CELL, COLOURS
from vlmteach.pictures.lottery import LINES


class Question(nn.Module):
    """One query, which names a place, reads the tokens of an encoder layer by layer and names a colour.

    encoder: pictures -> VisualTokens, one token for each of the 3 x 8 cells. layers: of cross-attention and MLP.
    """

    places: Tensor

    def __init__(self, encoder: nn.Module, layers: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm = nn.LayerNorm(DIM)
        self.register_buffer("places", sincos_positions(LINES, CELLS, DIM), persistent=False)
        self.ask = nn.Linear(DIM, DIM)
        self.layers = nn.ModuleList(ResamplerLayer(DIM, num_heads=HEADS) for _ in range(layers))
        self.last_norm = nn.LayerNorm(DIM)
        self.read_out = nn.Linear(DIM, len(COLOURS))

    def forward(self, pictures: Tensor, marker_token: Tensor) -> Tensor:
        """Pictures (B, 3, 24, 64), the marked cell's place among the tokens (B,) -> scores (B, 6)."""
        tokens = self.norm(self.encoder(pictures).tokens) + self.places
        query = self.ask(self.places[marker_token])[:, None]
        for layer in self.layers:
            query = layer(query, tokens)
        return self.read_out(self.last_norm(query[:, 0]))


class Reader(NamedTuple):
    """One line of the comparison. build: a new model, its weights at random."""

    title: str
    build: Callable[[], nn.Module]


def _cnn() -> ConvNet:
    return ConvNet(DIM, [1], stem="patch", stride=CELL)


def _vit() -> VisionTransformer:
    side = (CELL * LINES, CELL * CELLS)
    return VisionTransformer(side, CELL, DIM, depth=2, num_heads=HEADS, cls=False, positions="sincos")


READERS = {
    "cnn-4": Reader("CNN, 1 block, read in 4 layers", lambda: Question(_cnn(), 4)),
    "cnn-1": Reader("CNN, 1 block, read in 1 layer", lambda: Question(_cnn(), 1)),
    "vit-4": Reader("ViT, 2 blocks, read in 4 layers", lambda: Question(_vit(), 4)),
}


def build_reader(name: str, seed: int) -> nn.Module:
    """A model of the comparison, its weights drawn by a seed; the caller's random state is kept.

    Raises ValueError, naming those there are, for an unknown name.
    """
    if name not in READERS:
        raise ValueError(f"there is no reader {name!r} here; expected one of {', '.join(READERS)}.")
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return READERS[name].build()
