"""The encoders that play with two squares: which of them can tell how a square lies to the marker?

All are 48 wide and cut the picture into 8 x 8 cells. Those that are a bag of 3 x 3 windows have circular padding: zero
padding tells a cell where the border is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vlmteach.experiments.cliff.encoders import DIM, HEADS, MarkerReadOut
from vlmteach.nn.convnet import ConvNet, Padding
from vlmteach.nn.positions import SinCosPositions
from vlmteach.nn.transformer import Mlp, TransformerBlock
from vlmteach.nn.vit import VisionTransformer
from vlmteach.pictures.cliff import CELLS, SIDE
from vlmteach.pictures.look import CELL, COLOURS


class MeanMlpReadOut(nn.Module):
    """The mean of all tokens names the colour, through an MLP: a linear layer alone could not even join two facts."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm = nn.LayerNorm(DIM)
        self.mlp = Mlp(DIM)
        self.read_out = nn.Linear(DIM, len(COLOURS))

    def forward(self, pictures: Tensor, marker_token: Tensor) -> Tensor:
        """Pictures (B, 3, 64, 64) -> scores (B, 6); where the marker is makes no difference."""
        mean = self.norm(self.encoder(pictures).tokens.mean(dim=1))
        return self.read_out(mean + self.mlp(mean))


class PositionsThenAttention(nn.Module):
    """Add each cell's place to its token, then let all attend to all: (B, 64, D) -> (B, 64, D)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(DIM)
        self.positions = SinCosPositions(DIM)
        self.block = TransformerBlock(DIM, num_heads=HEADS)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, 64, D) -> (B, 64, D)."""
        return self.block(self.positions(self.norm(tokens), CELLS, CELLS))


class Player(NamedTuple):
    """One line of the comparison. build: a new model, its weights at random."""

    title: str
    build: Callable[[], nn.Module]


def _cnn(blocks: int, padding: Padding = "zeros") -> ConvNet:
    return ConvNet(DIM, [1] * blocks, stem="patch", stride=CELL, padding_mode=padding)


def _vit() -> VisionTransformer:
    return VisionTransformer(SIDE, CELL, DIM, depth=2, num_heads=HEADS, cls=False, positions="sincos")


def _attention() -> TransformerBlock:
    return TransformerBlock(DIM, num_heads=HEADS)


PLAYERS = {
    "cnn-3": Player("CNN, 3 blocks", lambda: MarkerReadOut(_cnn(3))),
    "mean": Player("CNN, 1 block, mean read out", lambda: MeanMlpReadOut(_cnn(1, "circular"))),
    "attention-bare": Player(
        "CNN, 1 block + attention, no positions", lambda: MarkerReadOut(_cnn(1, "circular"), _attention())
    ),
    "attention": Player(
        "CNN, 1 block + positions, attention", lambda: MarkerReadOut(_cnn(1, "circular"), PositionsThenAttention())
    ),
    "vit-2": Player("ViT, 2 blocks", lambda: MarkerReadOut(_vit())),
}


def build_player(name: str, seed: int) -> nn.Module:
    """A model of the comparison, its weights drawn by a seed; the caller's random state is kept.

    Raises ValueError, naming those there are, for an unknown name.
    """
    if name not in PLAYERS:
        raise ValueError(f"there is no player {name!r} here; expected one of {', '.join(PLAYERS)}.")
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return PLAYERS[name].build()
