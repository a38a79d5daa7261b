"""Small steps between an encoder and a connector: take the prefix off, join neighbours, say where tokens are.

Each takes VisualTokens and returns VisualTokens, so they chain in front of any connector with nn.Sequential.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from vlmteach.nn.connectors.door import check_visual
from vlmteach.nn.positions import box_positions
from vlmteach.nn.tokens import VisualTokens, space_to_depth_tokens


class DropPrefix(nn.Module):
    """Leave CLS and register tokens behind, as LLaVA does. A CNN has none, and passes through unchanged."""

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, D) -> (B, N - prefix, D)."""
        check_visual(visual)
        return VisualTokens(visual.tokens[:, visual.prefix :], visual.boxes[:, visual.prefix :])


class SpaceToDepth(nn.Module):
    """Pixel shuffle: each factor x factor square of neighbours becomes one wider token.

    (B, H*W, D) -> (B, H*W / factor², D * factor²). Followed by a Projector it is a convolution with stride `factor`
    on the grid of tokens: ViT systems that do this have a convolution in the connector.
    Sources: Idefics3 (2408.12637); huggingface/nanoVLM:models/modality_projector.py.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """Raises ValueError for prefix tokens, for tokens that are no grid, or when factor does not divide it."""
        height, width = grid_size(visual)
        tokens = space_to_depth_tokens(visual.tokens, height, width, self.factor)
        corners = space_to_depth_tokens(visual.boxes, height, width, self.factor).unflatten(2, (4, -1))
        top_left, bottom_right = corners[:, :, :2].amin(-1), corners[:, :, 2:].amax(-1)
        return VisualTokens(tokens, torch.cat([top_left, bottom_right], dim=-1))


class NormTokens(nn.Module):
    """LayerNorm of each visual token by itself: whoever made them, they enter the connector on one scale.

    A ViT ends with this norm; a CNN's grid and a mean of tokens come without. It never mixes tokens.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, dim) -> (B, N, dim)."""
        check_visual(visual, self.norm.normalized_shape[0])
        return replace(visual, tokens=self.norm(visual.tokens))


class AddPositions(nn.Module):
    """Add to each token where it is in the picture: sines and cosines of its box.

    A CNN's grid and a ViT's patches arrive with boxes, and attention, a mean or a resampler sees only the tokens.
    Whether the place is added here is a choice to make on purpose, the same for every encoder that is compared:
    LLaVA adds nothing here, because its language model numbers every token of the sequence. Nothing is learned.
    Prefix tokens have no place of their own and pass unchanged. The width must be a multiple of 4.
    """

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, D) -> (B, N, D)."""
        check_visual(visual)
        where = box_positions(visual.boxes, visual.tokens.shape[-1]).to(visual.tokens.dtype)
        where = torch.cat([torch.zeros_like(where[:, : visual.prefix]), where[:, visual.prefix :]], dim=1)
        return replace(visual, tokens=visual.tokens + where)


def grid_size(visual: VisualTokens) -> tuple[int, int]:
    """How many rows and columns of cells the tokens form, read from their boxes.

    Raises ValueError when there are prefix tokens, or when the tokens are not the cells of one row-major grid
    (regions, latents and pooled vectors are not).
    """
    check_visual(visual)
    if visual.prefix:
        raise ValueError(
            f"{visual.prefix} prefix tokens stand in front of the grid; expected none. Put DropPrefix() in between."
        )
    top, left = visual.boxes[0, :, 0], visual.boxes[0, :, 1]
    height, width = len(top.unique()), len(left.unique())
    row_major = height * width == len(top) and bool(
        (top.diff() >= 0).all() and (left.unflatten(0, (height, width)).diff(dim=1) > 0).all()
    )
    if not row_major:
        raise ValueError(
            f"{len(top)} tokens with {height} different tops and {width} different lefts are not the cells of one "
            "row-major grid. Regions, latents and pooled vectors have no neighbours to join; take a grid or patches."
        )
    return height, width
