"""The essence of the Q-Former: learned queries attend to each other, and to the picture in every second layer.

BLIP-2's Q-Former is a BERT (post-norm) that also reads text during its own pretraining; what reaches the language
model is this path. Here the blocks are pre-norm, like every other block of this course.
Source: BLIP-2 (2301.12597), section 3.1; salesforce/LAVIS:lavis/models/blip2_models/Qformer.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.attention import CrossAttention, MultiHeadAttention
from vlmteach.nn.checks import check_positive, check_visual
from vlmteach.nn.tokens import VisualTokens, whole_picture
from vlmteach.nn.transformer import Mlp, TransformerBlock


class LookingBlock(nn.Module):
    """z += SA(LN z); z += XA(LN z, picture); z += MLP(LN z): a transformer block that also looks at the picture."""

    def __init__(self, vision_dim: int, dim: int, *, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        self.self_norm = nn.LayerNorm(dim)
        self.self_attention = MultiHeadAttention(dim, num_heads=num_heads)
        self.cross_norm = nn.LayerNorm(dim)
        self.cross_attention = CrossAttention(dim, vision_dim, num_heads=num_heads)
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, mlp_ratio)

    def forward(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """Queries (B, Q, D), tokens (B, N, vision_dim) -> (B, Q, D)."""
        queries = queries + self.self_attention(self.self_norm(queries))
        queries = queries + self.cross_attention(self.cross_norm(queries), tokens)
        return queries + self.mlp(self.mlp_norm(queries))


class QFormer(nn.Module):
    """(B, N, vision_dim) -> (B, queries, dim) through its own width: 257 tokens of a ViT-g become 32 in BLIP-2.

    width: of the queries inside; depth: blocks, of which the 1st, 3rd, 5th … look at the picture; dim: width of the
    language model, to which a linear layer maps at the end. Like the resampler, it is blind to the order of the tokens.
    """

    def __init__(
        self,
        vision_dim: int,
        width: int,
        dim: int,
        *,
        queries: int,
        depth: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
    ) -> None:
        super().__init__()
        check_positive(queries=queries, depth=depth)
        self.vision_dim = vision_dim
        self.queries = nn.Parameter(torch.randn(queries, width) * 0.02)
        self.layers = nn.ModuleList(
            TransformerBlock(width, num_heads=num_heads, mlp_ratio=mlp_ratio)
            if index % 2
            else LookingBlock(vision_dim, width, num_heads=num_heads, mlp_ratio=mlp_ratio)
            for index in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.to_language = nn.Linear(width, dim)

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, vision_dim) -> (B, queries, dim); each query stands for the whole picture."""
        check_visual(visual, self.vision_dim)
        queries = self.queries.expand(visual.tokens.shape[0], -1, -1)
        for layer in self.layers:
            queries = layer(queries, visual.tokens) if isinstance(layer, LookingBlock) else layer(queries)
        return whole_picture(self.to_language(self.norm(queries)))
