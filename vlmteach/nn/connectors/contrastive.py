"""Dual encoder: picture and text meet in no network, only in one dot product at the end.

Sources: CLIP (2103.00020), section 2.3 and figure 3; openai/CLIP:clip/model.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vlmteach.nn.checks import check_meeting, check_shape
from vlmteach.nn.connectors.vector import ONE_VECTOR, MeanPool
from vlmteach.nn.tokens import VisualTokens

LARGEST_SCALE = 100.0
PAIRED = "Row i of the pictures belongs to row i of the texts."


def contrastive_loss(images: Tensor, texts: Tensor, log_scale: Tensor) -> Tensor:
    """Each picture must find its own text among B, and each text its own picture.

    images, texts: (B, D), row i of one belongs to row i of the other; log_scale: s, one number. Both sides are
    normalised, the similarities are multiplied by exp(s), at most 100, and the two cross-entropies are averaged.
    Returns one number: ln B when all similarities are equal; 0 for B = 1, where there is nothing to confuse.
    Raises ValueError when the shapes differ.
    """
    check_shape("images", images, "B", "D", hint=PAIRED)
    check_shape("texts", texts, *images.shape, hint=PAIRED)
    scale = log_scale.exp().clamp(max=LARGEST_SCALE)
    logits = scale * F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T
    own = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


class DualEncoderHead(nn.Module):
    """Pool both sides and map them to one common space, where contrastive_loss compares them.

    vision_dim, text_dim -> dim, by a linear map without bias on each side; log_scale is learned from ln(1 / 0.07).
    pool: a module that turns VisualTokens into one token; MeanPool when none is given.
    """

    def __init__(self, vision_dim: int, text_dim: int, dim: int, *, pool: nn.Module | None = None) -> None:
        super().__init__()
        self.vision_dim, self.text_dim = vision_dim, text_dim
        self.pool = pool if pool is not None else MeanPool()
        self.vision = nn.Linear(vision_dim, dim, bias=False)
        self.text = nn.Linear(text_dim, dim, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, visual: VisualTokens, text: Tensor) -> tuple[Tensor, Tensor]:
        """visual: (B, N, vision_dim); text: (B, T, text_dim), averaged over T. Returns two (B, dim)."""
        vector = self.pool(visual)
        check_shape("what the pool left", vector.tokens, "B", 1, self.vision_dim, hint=ONE_VECTOR)
        check_meeting(vector, self.vision_dim, text, self.text_dim)
        return self.vision(vector.tokens.flatten(1)), self.text(text.mean(dim=1))
