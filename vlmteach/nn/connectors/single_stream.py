"""Single stream: visual tokens and words form one sequence, and in every block each sees all the others.

There is no separate connector: a linear map to the common width, a learned vector that marks each token as picture or
word, and then a plain transformer.
Sources: UNITER (1909.11740), ViLT (2102.03334); dandelin/ViLT:vilt/modules/vilt_module.py token_type_embeddings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_meeting
from vlmteach.nn.tokens import VisualTokens
from vlmteach.nn.transformer import TransformerBlock

PICTURE, WORD = 0, 1


class SingleStream(nn.Module):
    """One transformer over picture and text together: (B, N, vision_dim) and (B, T, dim) -> (B, N + T, dim).

    The picture comes first in the result, as with a prefix; attention itself has no order. Words already contain their
    positions; visual tokens get theirs from the encoder or from AddPositions.
    """

    def __init__(self, vision_dim: int, dim: int, *, depth: int, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        self.vision_dim, self.dim = vision_dim, dim
        self.vision = nn.Linear(vision_dim, dim)
        self.types = nn.Embedding(2, dim)
        self.blocks = nn.ModuleList(
            TransformerBlock(dim, num_heads=num_heads, mlp_ratio=mlp_ratio) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, visual: VisualTokens, text: Tensor) -> Tensor:
        """visual: (B, N, vision_dim); text: (B, T, dim) -> (B, N + T, dim); the words are the last T."""
        check_meeting(visual, self.vision_dim, text, self.dim)
        picture = self.vision(visual.tokens) + self.types.weight[PICTURE]
        words = text + self.types.weight[WORD]
        stream = torch.cat([picture, words], dim=1)
        for block in self.blocks:
            stream = block(stream)
        return self.norm(stream)
