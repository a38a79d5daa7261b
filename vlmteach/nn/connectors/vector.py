"""Single vector: the whole picture becomes one vector, which is combined with the words.

Three ways to combine a picture vector v with a text token q. Each works on every text token separately, so a question
pooled to one vector is the case T = 1, and a language model's tokens are the case T > 1.
Sources: VQA (1505.00468) for the element-wise product, FiLM (1709.07871), Frozen (2106.13884) for one vector in
front of a language model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.attention import AttentionPool2d
from vlmteach.nn.checks import check_choice, check_cls, check_meeting, check_shape, check_visual
from vlmteach.nn.tokens import VisualTokens, whole_picture


class MeanPool(nn.Module):
    """The mean of the tokens that have a place in the picture: it keeps what is there, not where.

    (B, N, D) -> (B, 1, D); the one token stands for the whole picture. Prefix tokens are left out of the mean.
    Source: global average pooling, Network in Network (1312.4400).
    """

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, D) -> (B, 1, D). Raises ValueError when only prefix tokens are there."""
        check_visual(visual)
        return whole_picture(visual.without_prefix_tokens().tokens.mean(dim=1, keepdim=True))


class ClsPool(nn.Module):
    """The CLS token as the vector of the picture, as CLIP's ViTs use it. A CNN has none: use MeanPool there.

    (B, N, D) -> (B, 1, D): the first prefix token. Source: openai/CLIP:clip/model.py VisionTransformer.
    """

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, D) -> (B, 1, D). Raises ValueError when there is no prefix token."""
        check_visual(visual)
        check_cls(visual)
        return whole_picture(visual.tokens[:, :1])


class AttentionPool(nn.Module):
    """CLIP's pooling for its ResNets, on tokens: the mean cell is the query, all cells are keys and values.

    (B, H*W, D) -> (B, 1, D). The positions inside belong to one grid size, height x width; the tokens must be the
    cells of such a grid (no regions, no prefix tokens). Source: CLIP (2103.00020), section 2.4.
    """

    def __init__(self, dim: int, *, num_heads: int, height: int, width: int) -> None:
        super().__init__()
        self.pool = AttentionPool2d(dim, num_heads=num_heads, height=height, width=width)

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, H*W, D) -> (B, 1, D)."""
        check_visual(visual)
        return whole_picture(self.pool(visual.as_grid())[:, None])


class ConcatFusion(nn.Module):
    """Put v and q side by side, then a small network: W_2 gelu(W_1 [v; q]).

    The hidden layer matters. One linear layer on [v; q] is only an addition, W_v v + W_q q.
    """

    def __init__(self, vision_dim: int, dim: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(vision_dim + dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, vector: Tensor, text: Tensor) -> Tensor:
        """vector: (B, 1, vision_dim); text: (B, T, dim) -> (B, T, dim)."""
        return self.mix(torch.cat([vector.expand(-1, text.shape[1], -1), text], dim=-1))


class HadamardFusion(nn.Module):
    """Multiply element by element: W_o (tanh(W_v v) * tanh(W_q q)). A zero in q silences that part of v.

    Source: VQA (1505.00468), which also squashes both sides with tanh before the product.
    """

    def __init__(self, vision_dim: int, dim: int) -> None:
        super().__init__()
        self.vision = nn.Linear(vision_dim, dim)
        self.text = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, vector: Tensor, text: Tensor) -> Tensor:
        """vector: (B, 1, vision_dim); text: (B, T, dim) -> (B, T, dim)."""
        return self.out(torch.tanh(self.vision(vector)) * torch.tanh(self.text(text)))


class FilmFusion(nn.Module):
    """Scale and shift each text token by the picture: q * (1 + gamma(v)) + beta(v), gamma = beta = 0 at the start.

    At the start the text passes unchanged, so a trained language model is not disturbed. In FiLM (1709.07871) the
    question scales the picture's features; the formula is the same with the roles exchanged.
    """

    def __init__(self, vision_dim: int, dim: int) -> None:
        super().__init__()
        self.gamma_beta = nn.Linear(vision_dim, 2 * dim)
        nn.init.zeros_(self.gamma_beta.weight)
        nn.init.zeros_(self.gamma_beta.bias)

    def forward(self, vector: Tensor, text: Tensor) -> Tensor:
        """vector: (B, 1, vision_dim); text: (B, T, dim) -> (B, T, dim)."""
        gamma, beta = self.gamma_beta(vector).chunk(2, dim=-1)
        return text * (1 + gamma) + beta


ONE_VECTOR = "Take a pool that leaves one vector for each picture."
FUSIONS: dict[str, type[nn.Module]] = {"concat": ConcatFusion, "hadamard": HadamardFusion, "film": FilmFusion}


class VectorFusion(nn.Module):
    """Pool the picture to one vector, then combine it with every text token by one of three rules.

    vision_dim: width of the visual tokens; dim: width of the text tokens, and of the result.
    kind: "concat" (ConcatFusion), "hadamard" (HadamardFusion) or "film" (FilmFusion).
    pool: turns VisualTokens into one token: MeanPool (when none is given), ClsPool or AttentionPool.
    """

    def __init__(self, vision_dim: int, dim: int, *, kind: str, pool: nn.Module | None = None) -> None:
        super().__init__()
        check_choice("kind", kind, FUSIONS)
        self.vision_dim, self.dim = vision_dim, dim
        self.pool = pool if pool is not None else MeanPool()
        self.combine = FUSIONS[kind](vision_dim, dim)

    def forward(self, visual: VisualTokens, text: Tensor) -> Tensor:
        """visual: (B, N, vision_dim); text: (B, T, dim) -> (B, T, dim)."""
        vector = self.pool(visual)
        check_shape("what the pool left", vector.tokens, "B", 1, self.vision_dim, hint=ONE_VECTOR)
        check_meeting(vector, self.vision_dim, text, self.dim)
        return self.combine(vector.tokens, text)
