"""A tiny vision-language model that learns packed questions; run with FILE STEP, it is killed in that step."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import torch
import torch.nn.functional as F
from support.killed import end_as_if_killed

from vlmteach.nn import (
    Connect,
    ConvNet,
    LanguageModel,
    Prefix,
    Projector,
    VisionLanguageModel,
    WordTokenizer,
)
from vlmteach.training import Recipe, Trained, fit, one_thread

RECIPE = Recipe(steps=45, learning_rate=0.01, warmup=5, beta2=0.98)
WORDS = ("<pad>", "is", "red", "blue", "above", "?")


def make_model(seed: int = 0) -> VisionLanguageModel:
    """A CNN with BatchNorm, whose cells stand in front of the words."""
    torch.manual_seed(seed)
    encoder = ConvNet(8, (1,), stem="patch", stride=4)
    return VisionLanguageModel(
        encoder,
        Connect(Projector(8, 8), Prefix()),
        LanguageModel(WordTokenizer(WORDS), 8, depth=1, num_heads=2, context=4),
    )


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Four pictures of noise with three questions each."""
    chance = torch.Generator().manual_seed(step)
    return torch.rand(4, 3, 8, 8, generator=chance), torch.randint(1, len(WORDS), (4, 3, 4), generator=chance)


def loss(model: VisionLanguageModel, data: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Of each next word in every question."""
    pictures, words = data
    return F.cross_entropy(model(pictures, words)[:, :, :-1].flatten(0, 2), words[:, :, 1:].flatten())


def train(model: VisionLanguageModel, checkpoint: Path | None = None, killed_in: int | None = None) -> Trained:
    """Train it. killed_in: the step, counted from 1, in whose middle the process is killed."""

    steps = count(1)

    def killing(model: VisionLanguageModel, data: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        value = loss(model, data)  # BatchNorm's statistics have moved by now
        if next(steps) == killed_in:
            end_as_if_killed()
        return value

    with one_thread():
        return fit(model, batch, killing, RECIPE, checkpoint=checkpoint, save_every=10, progress=False)


if __name__ == "__main__":
    train(make_model(), Path(sys.argv[1]), int(sys.argv[2]))
