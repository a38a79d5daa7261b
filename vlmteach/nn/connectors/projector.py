"""Projector: the connector of LLaVA. Each visual token, by itself, is mapped to the language model's width.

It has no idea of a neighbour, a position or an encoder: 49 tokens in, 49 tokens out, whoever made them.
Sources: LLaVA (2304.08485), one linear layer; LLaVA-1.5 (2310.03744), two with a GELU between.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from torch import nn

from vlmteach.nn.connectors.door import check_visual
from vlmteach.nn.tokens import VisualTokens


class Projector(nn.Module):
    """Linear (layers=1) or Linear-GELU-Linear (layers=2), applied to every token alone.

    (B, N, vision_dim) -> (B, N, dim); boxes and prefix stay as they were.
    """

    def __init__(self, vision_dim: int, dim: int, layers: int = 1) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers is {layers}; expected 1 (a linear map) or more.")
        self.vision_dim = vision_dim
        widths = [vision_dim] + [dim] * layers
        linears = [nn.Linear(before, after) for before, after in pairwise(widths)]
        self.map = nn.Sequential(linears[0], *(part for linear in linears[1:] for part in (nn.GELU(), linear)))

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, vision_dim) -> (B, N, dim)."""
        check_visual(visual, self.vision_dim)
        return replace(visual, tokens=self.map(visual.tokens))
