"""Networks of torchvision by name, with seeded untrained weights or real ones."""

from __future__ import annotations

from typing import Literal
from urllib.error import URLError

import torch
from torch import nn


class WeightsMissing(RuntimeError):
    """Pretrained weights were asked for and cannot be had; the sentence says which, how large, and what to do."""


def load_cnn(name: str, weights: Literal["untrained", "pretrained"] = "untrained", seed: int = 0) -> nn.Module:
    """A torchvision network in eval mode.

    name: as torchvision spells it ("vgg16", "resnet50", …). weights: "untrained" draws them from `seed` and leaves
    the global generator as it was; "pretrained" loads torchvision's default ones, from its cache or the network.
    Raises ValueError for an unknown name or kind of weights, WeightsMissing when pretrained ones cannot be had.
    """
    from torchvision import models

    if name not in models.list_models(module=models):
        raise ValueError(f"torchvision has no network {name!r}; torchvision.models.list_models() names those it has.")
    if weights == "untrained":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return models.get_model(name, weights=None).eval()
    if weights != "pretrained":
        raise ValueError(f'weights is {weights!r}; expected "untrained" or "pretrained".')
    entry = models.get_model_weights(name).DEFAULT
    try:
        return models.get_model(name, weights=entry).eval()
    except (URLError, OSError) as error:
        raise WeightsMissing(
            f"the pretrained weights of {name} ({entry.meta['_file_size']:.0f} MB, {entry.url.rsplit('/', 1)[-1]}) are "
            f"not in torch's cache and could not be fetched ({error}). Run this once with a network, or copy the file "
            f'to {torch.hub.get_dir()}/checkpoints. weights="untrained" needs nothing.'
        ) from error
