"""One block of a transformer: tokens exchange information (attention), then each is processed alone (MLP).

Pre-norm: x = x + attention(norm(x)); x = x + mlp(norm(x)). Sources: 2010.11929 (ViT), 2103.17239 (layer scale).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.attention import MultiHeadAttention


class Mlp(nn.Module):
    """Two linear layers with a GELU between them, applied to each token separately: (B, N, D) -> (B, N, D).

    mlp_ratio: hidden width over D.
    """

    def __init__(self, dim: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        hidden_dim = round(dim * mlp_ratio)
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, N, D) -> (B, N, D)."""
        return self.fc2(self.act(self.fc1(tokens)))


class LayerScale(nn.Module):
    """One learned factor for each channel of a branch; it starts small, so that a deep network trains stably."""

    def __init__(self, dim: int, initial: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), initial))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, N, D) -> (B, N, D)."""
        return tokens * self.gamma


class TransformerBlock(nn.Module):
    """Attention, then MLP, each with a LayerNorm before it and a residual connection around it.

    dim: width D; num_heads must divide it. mlp_ratio: hidden width of the MLP over D.
    layer_scale: initial factor on each branch (DINOv2: 1e-5); None leaves the branches as they are.
    The attribute names are timm's, so that weights can be copied name by name.
    Raises ValueError when the heads do not divide the width.
    """

    def __init__(self, dim: int, *, num_heads: int, mlp_ratio: float = 4.0, layer_scale: float | None = None) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = MultiHeadAttention(dim, num_heads=num_heads)
        self.ls1 = nn.Identity() if layer_scale is None else LayerScale(dim, layer_scale)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, mlp_ratio)
        self.ls2 = nn.Identity() if layer_scale is None else LayerScale(dim, layer_scale)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, D) -> (B, N, D); mask True = may attend, as in MultiHeadAttention."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens), mask))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))
