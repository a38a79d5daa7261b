"""The encoders that are compared, and how one of their tokens answers.

All are 48 wide and cut the picture into 8 x 8 cells of 8 pixels; they differ in how cells exchange information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vlmteach.nn import ConvNet, TransformerBlock, VisionTransformer
from vlmteach.pictures.cliff import SIDE
from vlmteach.pictures.look import CELL, COLOURS

DIM = 48
HEADS = 4


class MarkerReadOut(nn.Module):
    """The token at the marker's cell names the colour, through one linear layer.

    encoder: pictures -> VisualTokens, one token for each cell. after: tokens (B, 64, D) -> the same shape.
    """

    def __init__(self, encoder: nn.Module, after: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.after = nn.Identity() if after is None else after
        self.read_out = nn.Linear(DIM, len(COLOURS))

    def forward(self, pictures: Tensor, marker_token: Tensor) -> Tensor:
        """Pictures (B, 3, 64, 64), the marker's place among the tokens (B,) -> scores (B, 6)."""
        tokens = self.after(self.encoder(pictures).tokens)
        return self.read_out(tokens[torch.arange(len(tokens), device=tokens.device), marker_token])


class MeanReadOut(nn.Module):
    """A control: the mean of all tokens names the colour. Whoever reads a mean reads the whole picture."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.read_out = nn.Linear(DIM, len(COLOURS))

    def forward(self, pictures: Tensor, marker_token: Tensor) -> Tensor:
        """Pictures (B, 3, 64, 64) -> scores (B, 6); where the marker is makes no difference."""
        return self.read_out(self.encoder(pictures).tokens.mean(dim=1))


class MeanBroadcast(nn.Module):
    """A control: every token also hears the mean of all tokens. The cheapest global path: no weights, no attention."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, N, D) -> (B, N, D)."""
        return tokens + tokens.mean(dim=1, keepdim=True)


@dataclass(frozen=True)
class CliffEncoder:
    """One line of the comparison.

    family: "local" sees its receptive field and no more, "global" attends, "control" is global without attention or
    by dilation. build: a new model, its weights at random.
    """

    name: str
    title: str
    family: Literal["local", "global", "control"]
    build: Callable[[], nn.Module]


def _cnn(*dilations: int, stem: str = "patch") -> ConvNet:
    return ConvNet(DIM, dilations, stem=stem, stride=CELL)


def _vit(depth: int) -> VisionTransformer:
    return VisionTransformer(SIDE, CELL, DIM, depth=depth, num_heads=HEADS, cls=False)


def _attention() -> TransformerBlock:
    return TransformerBlock(DIM, num_heads=HEADS)


_ALL = (
    CliffEncoder("cnn-1", "CNN, 1 block", "local", lambda: MarkerReadOut(_cnn(1))),
    CliffEncoder("cnn-2", "CNN, 2 blocks", "local", lambda: MarkerReadOut(_cnn(1, 1))),
    CliffEncoder("cnn-3", "CNN, 3 blocks", "local", lambda: MarkerReadOut(_cnn(1, 1, 1))),
    CliffEncoder("cnn-6", "CNN, 6 blocks", "local", lambda: MarkerReadOut(_cnn(1, 1, 1, 1, 1, 1))),
    CliffEncoder(
        "cnn-2-strided", "CNN, 2 blocks, strided stem", "local", lambda: MarkerReadOut(_cnn(1, 1, stem="strided"))
    ),
    CliffEncoder("vit-1", "ViT, 1 block", "global", lambda: MarkerReadOut(_vit(1))),
    CliffEncoder("vit-2", "ViT, 2 blocks", "global", lambda: MarkerReadOut(_vit(2))),
    CliffEncoder("cnn-1-attention", "CNN, 1 block + attention", "global", lambda: MarkerReadOut(_cnn(1), _attention())),
    CliffEncoder("cnn-dilated", "CNN, dilated 1, 2, 4", "control", lambda: MarkerReadOut(_cnn(1, 2, 4))),
    CliffEncoder("cnn-1-mean", "CNN, 1 block + mean", "control", lambda: MarkerReadOut(_cnn(1), MeanBroadcast())),
    CliffEncoder("cnn-1-mean-read", "CNN, 1 block, mean read out", "control", lambda: MeanReadOut(_cnn(1))),
)
CLIFF_ENCODERS = {encoder.name: encoder for encoder in _ALL}


def build_cliff_model(name: str, seed: int) -> nn.Module:
    """An encoder of the comparison with its read-out, its weights drawn by a seed; the caller's random state is kept.

    Raises ValueError, naming those there are, for an unknown name.
    """
    if name not in CLIFF_ENCODERS:
        raise ValueError(f"there is no encoder {name!r} in the cliff; expected one of {', '.join(CLIFF_ENCODERS)}.")
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return CLIFF_ENCODERS[name].build()
