"""Attention: every query takes a weighted mean of the values, and the weights come from query-key products.

    attention(Q, K, V) = softmax(Q Kᵀ / √d) V,    d = the width of one head

`attention` is written to be read and also returns the weights. The modules below call torch's fused version of the
same formula, which never stores the weights. Sources: Attention Is All You Need (1706.03762); the pooling head is
CLIP's (2103.00020).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.nn.checks import check_attention, check_places, check_split
from vlmteach.nn.tokens import grid_to_tokens


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, step by step.

    query: (..., N, d); key: (..., M, d); value: (..., M, e), usually with leading axes (B, heads).
    mask: bool, True = may attend, (N, M) or with as many axes as the query. None: everything may be attended.
    Returns the output (..., N, e) and the weights (..., N, M). A row of weights sums to 1, or holds zeros where a
    query may attend to nothing; its output is then zero.
    Raises ValueError when the shapes do not fit together, TypeError for a mask that is not bool.
    """
    check_attention(query, key, value, mask)
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = scores.softmax(dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)  # softmax makes a row of nothing but -inf NaN
    return weights @ value, weights


def fused_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """The output of `attention`, computed by torch in one fused step without storing the weights.

    Arguments, mask and errors as in `attention`; returns (..., N, e). A query that may attend to nothing gets zeros
    here too: torch's function promises NaN-free rows since 2.5.
    """
    check_attention(query, key, value, mask)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class MultiHeadAttention(nn.Module):
    """Self-attention in several heads: each head attends in its own slice of the width.

    dim: width D of the tokens; num_heads: h, each head is d = D / h wide. The attribute names are timm's.
    Raises ValueError when the heads do not divide the width.
    """

    def __init__(self, dim: int, *, num_heads: int) -> None:
        super().__init__()
        check_split(dim, num_heads, "heads")
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, D) -> (B, N, D); mask True = may attend, (N, N) or (B or 1, h or 1, N, N)."""
        query, key, value = split_heads(self.qkv(tokens), 3 * self.num_heads).chunk(3, dim=1)
        return self.proj(join_heads(fused_attention(query, key, value, mask)))


class CrossAttention(nn.Module):
    """Attention between two sequences: the tokens are queries, another sequence (say, a picture) gives keys and values.

    dim: width D of the tokens and of the result; memory_dim: width of the other sequence (None: the same).
    Raises ValueError when the heads do not divide the width.
    """

    def __init__(self, dim: int, memory_dim: int | None = None, *, num_heads: int) -> None:
        super().__init__()
        check_split(dim, num_heads, "heads")
        memory_dim = dim if memory_dim is None else memory_dim
        self.num_heads = num_heads
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(memory_dim, dim)
        self.v = nn.Linear(memory_dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, D), memory (B, M, memory_dim) -> (B, N, D); mask (N, M) or (B or 1, h or 1, N, M)."""
        query = split_heads(self.q(tokens), self.num_heads)
        key, value = split_heads(self.k(memory), self.num_heads), split_heads(self.v(memory), self.num_heads)
        return self.proj(join_heads(fused_attention(query, key, value, mask)))


class AttentionPool2d(nn.Module):
    """One vector for a whole grid: the mean cell is the query, all cells and the mean are keys (CLIP's ResNets).

    t = [mean(F); F_1 … F_HW] + P; the output is attention with t_0 as the only query. P ~ N(0, 1) / √C.
    dim: channels C; height and width of the grids it will pool.
    """

    def __init__(self, dim: int, *, num_heads: int, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        self.positions = nn.Parameter(torch.randn(1 + height * width, dim) * dim**-0.5)
        self.attend = CrossAttention(dim, num_heads=num_heads)

    def forward(self, grid: Tensor) -> Tensor:
        """Grid (B, C, H, W) -> (B, C). Raises ValueError when the grid has another size than the positions."""
        cells = grid_to_tokens(grid)
        height, width = grid.shape[2:]
        check_places(height, width, (self.height, self.width))
        tokens = torch.cat([cells.mean(dim=1, keepdim=True), cells], dim=1) + self.positions
        return self.attend(tokens[:, :1], tokens).squeeze(1)


def split_heads(tokens: Tensor, num_heads: int) -> Tensor:
    """(B, N, D) -> (B, h, N, D/h): head i takes the i-th slice of the width."""
    return tokens.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def join_heads(heads: Tensor) -> Tensor:
    """(B, h, N, d) -> (B, N, h*d): the inverse of split_heads."""
    return heads.transpose(1, 2).flatten(2)
