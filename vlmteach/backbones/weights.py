"""What all loaders of networks share: the two kinds of weights, and the error when real ones cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Weights = Literal["untrained", "pretrained"]


class WeightsMissing(RuntimeError):
    """Pretrained weights were asked for and cannot be had; the sentence says which, how large, and what to do."""


def is_pretrained(weights: Weights) -> bool:
    """Is it "pretrained"? Raises ValueError when it is neither that nor "untrained"."""
    if weights not in ("untrained", "pretrained"):
        raise ValueError(f'weights is {weights!r}; expected "untrained" or "pretrained".')
    return weights == "pretrained"


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Inside it, weights are drawn from the seed; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
