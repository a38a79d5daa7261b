"""Masks that keep attention near: who may look at whom on a grid whose tokens are read row by row.

Hand them to `TransformerBlock(...)(tokens, mask)`. True = may attend. Sources: windows and their shift, Swin
(2103.14030); neighbours, Stand-Alone Self-Attention (1906.05909).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vlmteach.nn.checks import check_positive, check_tiling
from vlmteach.nn.positions import grid_coordinates


def window_mask(height: int, width: int, window: int, shift: int = 0) -> Tensor:
    """Each token sees the tokens of its own window: (H*W, H*W), bool.

    window: side of a window in cells; it must divide the grid. shift: by how many cells the windows are moved down and
    to the right, a whole window being as good as none; at the border they are cut off, as Swin's mask has it.
    Raises ValueError for a window that does not fit.
    """
    check_positive(window=window)
    check_tiling(height, width, window)
    rows, columns = ((along + window - shift) // window for along in grid_coordinates(height, width))
    return (rows[:, None] == rows) & (columns[:, None] == columns)


def neighbour_mask(height: int, width: int, reach: int) -> Tensor:
    """Each token sees itself and those up to `reach` cells away, down or across: (H*W, H*W), bool.

    The field of a convolution with a kernel of 2 * reach + 1. Raises ValueError unless reach is at least 1.
    """
    check_positive(reach=reach)
    rows, columns = grid_coordinates(height, width)
    return ((rows[:, None] - rows).abs() <= reach) & ((columns[:, None] - columns).abs() <= reach)


def reach_of(masks: Sequence[Tensor]) -> Tensor:
    """Which tokens can play a part in which, after several blocks: (N, N), bool, [token, what it has heard of].

    masks: one for each block, the first one first. A block's residual path lets every token hear of itself.
    Raises ValueError when there is none.
    """
    check_positive(masks=len(masks))
    tokens, device = len(masks[0]), masks[0].device
    reached = torch.eye(tokens, device=device)
    for mask in masks:
        reached = ((mask.float() @ reached + reached) > 0).float()
    return reached.bool()
