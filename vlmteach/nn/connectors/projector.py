"""Projector: the connector of LLaVA. Each visual token, by itself, is mapped to the language model's width.

It knows nothing of neighbours, positions or encoders: 49 tokens in, 49 tokens out.
Sources: LLaVA (2304.08485), one linear layer; LLaVA-1.5 (2310.03744), two with a GELU between.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from vlmteach.nn.checks import check_positive, check_visual
from vlmteach.nn.tokens import VisualTokens


class Projector(nn.Module):
    """Linear (depth=1) or Linear-GELU-Linear (depth=2), applied to each token separately.

    (B, N, vision_dim) -> (B, N, dim); boxes and grid stay as they were.
    """

    def __init__(self, vision_dim: int, dim: int, *, depth: int = 1) -> None:
        super().__init__()
        check_positive(depth=depth)
        self.vision_dim = vision_dim
        widths = [vision_dim] + [dim] * depth
        linears = [nn.Linear(before, after) for before, after in pairwise(widths)]
        self.map = nn.Sequential(linears[0], *(part for linear in linears[1:] for part in (nn.GELU(), linear)))

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, vision_dim) -> (B, N, dim)."""
        check_visual(visual, self.vision_dim)
        return visual.with_tokens(self.map(visual.tokens))
