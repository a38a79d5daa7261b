"""Real, trained encoders that look at the course's scenes, frozen: nothing in them learns from a scene."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.backbones import load_encoder, preprocessing_of
from vlmteach.experiments.frozen.features import Eye
from vlmteach.experiments.frozen.models import EYES
from vlmteach.experiments.frozen.results import load_behind
from vlmteach.nn import VisionLanguageModel, VisualTokens
from vlmteach.nn.checks import check_picture

CHUNK = 16  # pictures at a time: more are slower, since they no longer fit into the processor's caches


class FrozenEye(nn.Module):
    """A real encoder at the place of a VLM's own: scenes in, visual tokens out, and nothing in it learns."""

    def __init__(self, eye: Eye, encoder: nn.Module) -> None:
        super().__init__()
        self.eye, self.encoder = eye, encoder

    def forward(self, image: Tensor) -> VisualTokens:
        """Scenes (B, 3, H, W) in [0, 1] -> visual tokens (B, eye.tokens, eye.width)."""
        return self.eye.visual(look(self.eye, image, self.encoder))


def load_vlm(eye: str, connector: str, encoder: nn.Module | None = None) -> VisionLanguageModel:
    """A trained cell of the record with its real eye in front, in eval mode: it takes scenes, as every VLM here does.

    encoder: the eye's trained encoder, where it is loaded already; its weights are not touched. None loads it.
    Raises ValueError for a cell that is not shipped, WeightsMissing when the eye's trained weights cannot be had.
    """
    behind = load_behind(eye, connector)
    front = FrozenEye(EYES[eye], _encoder(EYES[eye]) if encoder is None else encoder)
    return VisionLanguageModel(front, behind.connector, behind.language_model).eval()


def frozen_tokens(eye: Eye, pictures: Tensor) -> VisualTokens:
    """What a frozen eye makes of scenes: pictures (B, 3, H, W) in [0, 1] -> visual tokens (B, eye.tokens, eye.width).

    Each scene is enlarged to eye.side, and normalised as the encoder was trained with; its tokens come without CLS.
    On one core it takes about 0.03 s a picture for the CNN, 0.1 s for the ViT. There are no gradients.
    Raises WeightsMissing when trained weights cannot be had.
    """
    return eye.visual(look(eye, pictures))


def look(eye: Eye, pictures: Tensor, encoder: nn.Module | None = None) -> Tensor:
    """The encoder's own tokens of scenes, as they are kept: (B, 3, H, W) -> (B, cells², width), float16.

    encoder: the eye's, where it is loaded already.
    """
    check_picture(pictures)
    encoder, preprocessing = encoder or _encoder(eye), preprocessing_of(eye.encoder)
    with torch.no_grad():
        parts = [
            encoder(preprocessing.normalise(enlarge(part, eye.side))).without_prefix_tokens().tokens.half()
            for part in pictures.split(CHUNK)
        ]
    return torch.cat(parts)


def enlarge(pictures: Tensor, side: int) -> Tensor:
    """Pictures (B, 3, H, W) in [0, 1] -> (B, 3, side, side), bicubic, still in [0, 1]."""
    return F.interpolate(pictures, size=(side, side), mode="bicubic").clamp(0, 1)


@lru_cache(maxsize=2)
def _encoder(eye: Eye) -> nn.Module:
    return load_encoder(eye.encoder, eye.weights).requires_grad_(False)
