"""Small steps between an encoder and a connector: drop prefix tokens, merge neighbours, normalise, add positions.

Each takes VisualTokens and returns VisualTokens, so they chain in front of any connector with nn.Sequential.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_visual
from vlmteach.nn.positions import waves_at
from vlmteach.nn.tokens import VisualTokens, patchify


class DropPrefixTokens(nn.Module):
    """Drop CLS and register tokens, as LLaVA does. A CNN has none, so its tokens pass unchanged."""

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, D) -> (B, N - num_prefix_tokens, D)."""
        check_visual(visual)
        return visual.without_prefix_tokens()


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
        """Raises ValueError for prefix tokens, for tokens that form no grid, or when factor does not divide it."""
        check_visual(visual)
        grid = visual.as_grid()
        corners = patchify(visual.with_tokens(visual.boxes).as_grid(), self.factor).unflatten(2, (4, -1))
        boxes = torch.cat([corners[:, :, :2].amin(-1), corners[:, :, 2:].amax(-1)], dim=-1)  # around each square
        rows, columns = grid.shape[2] // self.factor, grid.shape[3] // self.factor
        return VisualTokens(patchify(grid, self.factor), boxes, grid=(rows, columns))


class NormTokens(nn.Module):
    """LayerNorm of each visual token by itself: whichever encoder made them, all enter the connector on one scale.

    A ViT ends with this norm; a CNN's grid and a mean of tokens do not have it. It never mixes tokens.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, dim) -> (B, N, dim)."""
        check_visual(visual, self.norm.normalized_shape[0])
        return visual.with_tokens(self.norm(visual.tokens))


class AddPositions(nn.Module):
    """Add to each token its position in the picture: sines and cosines of the centre of its box.

    A CNN's grid and a ViT's patches arrive with boxes, but attention, a mean or a resampler sees only the tokens.
    Whether positions are added here is a choice to make on purpose, the same for every encoder that is compared:
    LLaVA adds nothing here, because its language model numbers every token of the sequence. Nothing is learned.
    Prefix tokens have no place of their own and pass unchanged. The width must be a multiple of 4.
    """

    def forward(self, visual: VisualTokens) -> VisualTokens:
        """(B, N, D) -> (B, N, D)."""
        check_visual(visual)
        return visual.with_tokens(
            visual.tokens + _places(visual.boxes, visual.grid, visual.num_prefix_tokens, like=visual.tokens)
        )


@torch.fx.wrap  # one step of a traced graph, as grid_boxes is
def _places(boxes: Tensor, grid: tuple[int, int] | None, num_prefix_tokens: int, like: Tensor) -> Tensor:
    """Waves at each box, zeros for prefix tokens: (B, N, D), or (1, N, D) where all pictures share a grid."""
    waves = waves_at(boxes if grid is None else boxes[:1], like.shape[-1]).to(like.dtype)
    return torch.cat([torch.zeros_like(waves[:, :num_prefix_tokens]), waves[:, num_prefix_tokens:]], dim=1)
