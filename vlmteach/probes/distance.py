"""One statistic for every heat map: how far from a place does its weight lie, on average?

A gradient field of a CNN, the same of a ViT and a row of attention become comparable numbers through this function.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def weighted_distance(heat: Tensor, position: Sequence[float] | Tensor) -> Tensor:
    """Mean Euclidean distance from `position` to the pixels of `heat`, each pixel weighted by its heat.

    `heat` is (…, H, W), non-negative; its scale does not matter, every map is divided by its own sum.
    `position` is (row, column) in units of the map's pixels, pixel centres at whole numbers; a tensor (…, 2) gives each
    map of a batch its own position. Returns (…): the distances, in pixels of the map (for a map of patches, multiply
    by the patch size). For the attention of transformers this is the "mean attention distance" of arXiv 2010.11929.
    Raises ValueError for negative, non-finite or all-zero maps and for wrong shapes.
    """
    if heat.dim() < 2:
        raise ValueError(f"heat must be (…, H, W); got shape {tuple(heat.shape)}.")
    if not heat.is_floating_point():
        heat = heat.to(torch.get_default_dtype())
    place = torch.as_tensor(position, dtype=heat.dtype, device=heat.device)
    if place.dim() < 1 or place.shape[-1] != 2:
        raise ValueError(f"position must be (row, column), or a tensor (…, 2); got shape {tuple(place.shape)}.")
    if not torch.isfinite(heat).all() or (heat < 0).any():
        raise ValueError("heat must be finite and non-negative: take |gradient| or attention weights.")
    total = heat.sum(dim=(-2, -1))
    if (total == 0).any():
        raise ValueError("heat is zero everywhere in at least one map: it has no weight to measure a distance with.")
    height, width = heat.shape[-2:]
    rows = torch.arange(height, dtype=heat.dtype, device=heat.device) - place[..., :1]
    columns = torch.arange(width, dtype=heat.dtype, device=heat.device) - place[..., 1:]
    distance = torch.hypot(rows[..., :, None], columns[..., None, :])
    return (heat * distance).sum(dim=(-2, -1)) / total
