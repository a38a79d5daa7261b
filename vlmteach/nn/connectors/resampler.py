"""Perceiver resampler: a fixed number of learned latents read the picture, however many tokens it has.

Source: Flamingo (2204.14198v2), section 2.1 and figure 5; mlfoundations/open_flamingo:open_flamingo/src/helpers.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.attention import CrossAttention
from vlmteach.nn.checks import check_positive, check_visual
from vlmteach.nn.tokens import VisualTokens, whole_picture
from vlmteach.nn.transformer import Mlp


class ResamplerLayer(nn.Module):
    """z += Attn(q = LN z, kv = [LN x; LN z]); z += MLP(LN z). The latents read the picture and each other at once."""

    def __init__(self, dim: int, *, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        self.norm_picture = nn.LayerNorm(dim)
        self.norm_latents = nn.LayerNorm(dim)
        self.attend = CrossAttention(dim, num_heads=num_heads)
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, mlp_ratio)

    def forward(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """Latents (B, L, D), tokens (B, N, D) -> (B, L, D)."""
        asking = self.norm_latents(latents)
        answering = torch.cat([self.norm_picture(tokens), asking], dim=1)
        latents = latents + self.attend(asking, answering)
        return latents + self.mlp(self.mlp_norm(latents))


class PerceiverResampler(nn.Module):
    """(B, N, dim) -> (B, latents, dim) for any N: the language model's cost no longer depends on the picture's size.

    It is a function of the *set* of tokens: without positions in them (AddPositions), shuffling the picture's cells
    changes nothing. More latents than tokens are allowed; they repeat what is there and save nothing.
    The width stays the same; a Projector after it maps to the language model's.
    """

    def __init__(self, dim: int, *, latents: int, depth: int, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        check_positive(latents=latents, depth=depth)
        self.dim = dim
        self.latents = nn.Parameter(torch.randn(latents, dim))
        self.layers = nn.ModuleList(ResamplerLayer(dim, num_heads=num_heads, mlp_ratio=mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, dim) -> (B, latents, dim); each latent stands for the whole picture."""
        check_visual(visual, self.dim)
        latents = self.latents.expand(visual.tokens.shape[0], -1, -1)
        for layer in self.layers:
            latents = layer(latents, visual.tokens)
        return whole_picture(self.norm(latents))
