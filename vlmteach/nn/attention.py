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

from vlmteach.nn.tokens import grid_to_tokens


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, step by step.

    query: (..., N, d); key: (..., M, d); value: (..., M, e), usually with leading axes (B, heads).
    mask: bool, True = may attend, (N, M) or with as many axes as the query. None: everything may be attended.
    Returns the output (..., N, e) and the weights (..., N, M). A row of weights sums to 1, or holds zeros where a
    query may attend to nothing; its output is then zero.
    Raises ValueError when the shapes do not fit together, TypeError for a mask that is not bool.
    """
    _check_shapes(query, key, value)
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    if mask is not None:
        check_mask(mask, query, key)
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
    _check_shapes(query, key, value)
    if mask is not None:
        check_mask(mask, query, key)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class MultiHeadAttention(nn.Module):
    """Self-attention in several heads: each head attends in its own slice of the width.

    dim: width D of the tokens; num_heads: h, each head is d = D / h wide. The attribute names are timm's.
    Raises ValueError when the heads do not divide the width.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = head_width(dim, num_heads)
        self.scale = self.head_dim**-0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        # These two change nothing: they are where a probe can listen to the queries and keys of each head.
        self.q_norm = nn.Identity()
        self.k_norm = nn.Identity()
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, D) -> (B, N, D); mask True = may attend, (N, N) or (B or 1, h or 1, N, N)."""
        query, key, value = (split_heads(part, self.num_heads) for part in self.qkv(tokens).chunk(3, dim=-1))
        query, key = self.q_norm(query), self.k_norm(key)
        return self.proj(join_heads(fused_attention(query, key, value, mask)))


class CrossAttention(nn.Module):
    """Attention between two sequences: the tokens ask, the context (for instance a picture) answers.

    dim: width D of the asking tokens and of the result; context_dim: width of the context (None: the same).
    Raises ValueError when the heads do not divide the width.
    """

    def __init__(self, dim: int, num_heads: int, context_dim: int | None = None) -> None:
        super().__init__()
        context_dim = dim if context_dim is None else context_dim
        self.num_heads = num_heads
        self.head_dim = head_width(dim, num_heads)
        self.scale = self.head_dim**-0.5
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(context_dim, dim)
        self.v = nn.Linear(context_dim, dim)
        self.q_norm = nn.Identity()
        self.k_norm = nn.Identity()
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, D), context (B, M, context_dim) -> (B, N, D); mask (N, M) or (B or 1, h or 1, N, M)."""
        query = self.q_norm(split_heads(self.q(tokens), self.num_heads))
        key = self.k_norm(split_heads(self.k(context), self.num_heads))
        value = split_heads(self.v(context), self.num_heads)
        return self.proj(join_heads(fused_attention(query, key, value, mask)))


class AttentionPool2d(nn.Module):
    """One vector for a whole grid: the mean cell asks, and all cells and itself answer (CLIP's ResNets).

    t = [mean(F); F_1 … F_HW] + P; the output is attention with t_0 as the only query. P ~ N(0, 1) / √C.
    dim: channels C; height and width of the grids it will pool.
    """

    def __init__(self, dim: int, num_heads: int, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width
        self.positions = nn.Parameter(torch.randn(1 + height * width, dim) * dim**-0.5)
        self.attend = CrossAttention(dim, num_heads)

    def forward(self, grid: Tensor) -> Tensor:
        """Grid (B, C, H, W) -> (B, C). Raises ValueError when the grid has another size than the positions."""
        cells = grid_to_tokens(grid)
        if grid.shape[2:] != (self.height, self.width):
            raise ValueError(
                f"the grid is {grid.shape[2]} x {grid.shape[3]}; expected {self.height} x {self.width}, the size the "
                "positions were made for. Make an AttentionPool2d for this size, or resize the picture."
            )
        tokens = torch.cat([cells.mean(dim=1, keepdim=True), cells], dim=1) + self.positions
        return self.attend(tokens[:, :1], tokens).squeeze(1)


def split_heads(tokens: Tensor, num_heads: int) -> Tensor:
    """(B, N, D) -> (B, h, N, D/h): head i takes the i-th slice of the width."""
    return tokens.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def join_heads(heads: Tensor) -> Tensor:
    """(B, h, N, d) -> (B, N, h*d): the inverse of split_heads."""
    return heads.transpose(1, 2).flatten(2)


def head_width(dim: int, num_heads: int) -> int:
    """Width of one head. Raises ValueError when the heads do not divide the width."""
    if num_heads < 1 or dim < 1 or dim % num_heads:
        raise ValueError(
            f"a width of {dim} cannot be split into {num_heads} heads; expected a width that is a multiple of the "
            "number of heads. Change one of the two."
        )
    return dim // num_heads


def check_mask(mask: Tensor, query: Tensor, key: Tensor) -> None:
    """Raise unless mask is bool and says for each of N queries which of M keys it may attend to."""
    if mask.dtype != torch.bool:
        raise TypeError(
            f"the mask holds {mask.dtype}; expected torch.bool with True = may attend. "
            "A mask of 0 and 1 becomes one with mask.bool(); nn.MultiheadAttention's masks mean the opposite: ~mask."
        )
    full = (*query.shape[:-1], key.shape[-2])
    fits = all(given in (1, wanted) for given, wanted in zip(reversed(mask.shape), reversed(full), strict=False))
    # Nothing between 2 axes and all of them: (B, N, M) would silently be read as one mask for each head.
    if mask.ndim not in (2, len(full)) or not fits:
        raise ValueError(
            f"the mask has shape {tuple(mask.shape)}; expected {full[-2:]} (queries, keys) or {full}; an axis may "
            "be 1. A mask for each picture needs an axis for the heads: mask[:, None]."
        )


def _check_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    shapes = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ValueError(f"{shapes}; expected at least two axes each: (N, d), (M, d) and (M, e).")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"{shapes}; expected query and key of one width d: they are multiplied with each other.")
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"{shapes}; expected one value for each key: the same number M in both.")
