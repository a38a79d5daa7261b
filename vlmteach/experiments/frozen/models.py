"""The frozen encoders and connectors to compare. All else, the language model included, is the same in every cell.

LLaVA's recipe in small: a frozen encoder, a translator (LayerNorm, two-layer Projector, LayerNorm, the place of each
token), a connector, and a language model; everything behind the encoder is trained together, from nothing.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from vlmteach.experiments.frozen.features import FrozenEncoder
from vlmteach.nn import (
    AddPositions,
    Connect,
    CrossAttentionConnector,
    LanguageModel,
    MeanPool,
    NormTokens,
    Prefix,
    Projector,
    VisionLanguageModel,
    VisualTokens,
    WordTokenizer,
)
from vlmteach.pictures.scenes.questions import LENGTH, VOCABULARY

DIM = 64  # of the language model
DEPTH = 2
HEADS = 4

ENCODERS = {
    "cnn": FrozenEncoder("EfficientNet-Lite0, frozen", "efficientnet_lite0", side=192, cells=6, width=320),
    "vit": FrozenEncoder(
        "DINOv2 ViT-S/14, frozen, 2 x 2 tokens averaged", "dinov2_small_14", side=168, cells=12, width=384, pool=2
    ),
    "vit-own": FrozenEncoder("DINOv2 ViT-S/14, frozen", "dinov2_small_14", side=168, cells=12, width=384),
}
# controls: the same networks, never trained
ENCODERS["cnn-untrained"] = replace(
    ENCODERS["cnn"], title="EfficientNet-Lite0, never trained, frozen", weights="untrained"
)
ENCODERS["vit-untrained"] = replace(
    ENCODERS["vit"], title="ViT-S/14, never trained, frozen, 2 x 2 tokens averaged", weights="untrained"
)
CONNECTORS = {"cross-attention": "cross-attention", "prefix": "grid as a prefix", "vector": "mean vector"}


class Kept(nn.Module):
    """Stands where an encoder stands: takes its kept tokens in place of pictures."""

    def __init__(self, encoder: FrozenEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, kept: Tensor) -> VisualTokens:
        """(B, cells², width), float16 -> visual tokens, float32."""
        return self.encoder.visual(kept)


def build_behind(encoder: str, connector: str, seed: int) -> VisionLanguageModel:
    """Everything behind a frozen encoder, its weights drawn by a seed; the caller's random state is kept.

    The model takes kept tokens (B, cells², width) in place of pictures. Raises ValueError for an unknown name.
    """
    for kind, name, known in (("encoder", encoder, list(ENCODERS)), ("connector", connector, list(CONNECTORS))):
        if name not in known:
            raise ValueError(f"there is no {kind} {name!r} in this experiment; expected one of {', '.join(known)}.")
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        width = ENCODERS[encoder].width
        translator = [NormTokens(width), Projector(width, DIM, depth=2), NormTokens(DIM), AddPositions()]
        if connector == "vector":
            translator += [Projector(DIM, DIM, depth=2), MeanPool(), NormTokens(DIM)]
        meeting = _asking() if connector == "cross-attention" else Prefix()
        return VisionLanguageModel(
            Kept(ENCODERS[encoder]),
            Connect(nn.Sequential(*translator), meeting),
            LanguageModel(WordTokenizer(VOCABULARY), DIM, depth=DEPTH, num_heads=HEADS, context=LENGTH),
        )


def _asking() -> CrossAttentionConnector:
    """Cross-attention whose weights start as the language model's own do: words attend differently from step one."""
    connector = CrossAttentionConnector(DIM, DIM, num_heads=HEADS)
    for linear in (connector.attend.q, connector.attend.k):
        nn.init.normal_(linear.weight, std=DIM**-0.5)
    return connector
