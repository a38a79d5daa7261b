"""What tokens differ in most: their principal components, so that parts of a picture can be seen as colours."""

from __future__ import annotations

import torch
from torch import Tensor


def principal_components(tokens: Tensor, count: int = 3) -> Tensor:
    """Each token's coordinates along the directions in which all of them vary most, the first the longest.

    tokens: (N, D), of one picture or of several stacked, which then share the directions. count: how many, at most
    the smaller of N - 1 and D. A direction has no sign of its own: it points to where its largest coordinate is
    positive. Returns (N, count), float64, each column with mean 0.
    Raises ValueError for other shapes, too many components, and tokens that are all alike.
    """
    if tokens.ndim != 2 or not tokens.isfinite().all():
        raise ValueError(f"tokens have the shape {tuple(tokens.shape)}; expected finite numbers (N, D).")
    most = min(len(tokens) - 1, tokens.shape[1])
    if not 1 <= count <= most:
        raise ValueError(f"asked for {count} components of {tuple(tokens.shape)} tokens; expected 1 to {most}.")
    centred = tokens.detach().double()
    centred = centred - centred.mean(dim=0)
    left, lengths, _ = torch.linalg.svd(centred, full_matrices=False)
    if lengths[0] <= 1e-9 * tokens.abs().max():
        raise ValueError("the tokens are all alike, so there is no direction in which they differ.")
    found = left[:, :count] * lengths[:count]
    largest = found.gather(0, found.abs().argmax(dim=0, keepdim=True))
    return found * torch.where(largest < 0, -1.0, 1.0)
