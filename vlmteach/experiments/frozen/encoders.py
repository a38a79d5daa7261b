"""Real, trained encoders that look at the course's scenes, frozen: nothing in them learns from a scene."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.backbones import load_encoder, preprocessing_of
from vlmteach.experiments.frozen.features import FrozenEncoder
from vlmteach.experiments.frozen.models import ENCODERS
from vlmteach.experiments.frozen.results import load_behind
from vlmteach.nn import VisionLanguageModel, VisualTokens
from vlmteach.nn.checks import check_picture

CHUNK = 16  # pictures at a time: more are slower, since they no longer fit into the processor's caches


class OnPictures(nn.Module):
    """A real encoder at the place of a VLM's own: scenes in, visual tokens out, and nothing in it learns."""

    def __init__(self, encoder: FrozenEncoder, network: nn.Module) -> None:
        super().__init__()
        self.encoder, self.network = encoder, network

    def forward(self, image: Tensor) -> VisualTokens:
        """Scenes (B, 3, H, W) in [0, 1] -> visual tokens (B, encoder.tokens, encoder.width)."""
        return self.encoder.visual(look(self.encoder, image, self.network))


def load_vlm(encoder: str, connector: str, network: nn.Module | None = None) -> VisionLanguageModel:
    """A trained cell of the record with its real encoder in front, in eval mode: it takes scenes, as every VLM does.

    network: the trained network, where it is loaded already; its weights are not touched. None loads it.
    Raises ValueError for a cell that is not shipped, WeightsMissing when the encoder's trained weights cannot be had.
    """
    behind = load_behind(encoder, connector)
    front = OnPictures(ENCODERS[encoder], _network(ENCODERS[encoder]) if network is None else network)
    return VisionLanguageModel(front, behind.connector, behind.language_model).eval()


def frozen_tokens(encoder: FrozenEncoder, pictures: Tensor) -> VisualTokens:
    """What a frozen encoder makes of scenes: (B, 3, H, W) in [0, 1] -> (B, encoder.tokens, encoder.width).

    Each scene is enlarged to encoder.side, and normalised as the encoder was trained with; its tokens come without CLS.
    On one core it takes about 0.03 s a picture for the CNN, 0.1 s for the ViT. There are no gradients.
    Raises WeightsMissing when trained weights cannot be had.
    """
    return encoder.visual(look(encoder, pictures))


def look(encoder: FrozenEncoder, pictures: Tensor, network: nn.Module | None = None) -> Tensor:
    """The encoder's own tokens of scenes, as they are kept: (B, 3, H, W) -> (B, cells², width), float16.

    network: as for `load_vlm`.
    """
    check_picture(pictures)
    network, preprocessing = network or _network(encoder), preprocessing_of(encoder.backbone)
    with torch.no_grad():
        parts = [
            network(preprocessing.normalise(enlarge(part, encoder.side))).without_prefix_tokens().tokens.half()
            for part in pictures.split(CHUNK)
        ]
    return torch.cat(parts)


def enlarge(pictures: Tensor, side: int) -> Tensor:
    """Pictures (B, 3, H, W) in [0, 1] -> (B, 3, side, side), bicubic, still in [0, 1]."""
    return F.interpolate(pictures, size=(side, side), mode="bicubic").clamp(0, 1)


@lru_cache(maxsize=2)
def _network(encoder: FrozenEncoder) -> nn.Module:
    return load_encoder(encoder.backbone, encoder.weights).requires_grad_(False)
