"""Numbers that sum up attention maps: how far, how spread, how much on tokens without a place, and the rollout.

All are about the picture's own tokens; a pooling head or a connector in the same maps is left out. Results are float64.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vlmteach.probes.attention import AttentionMaps
from vlmteach.probes.distance import weighted_distance


def attention_rollout(maps: AttentionMaps) -> Tensor:
    """Follow attention through the layers: how much of each input token reaches each output token.

    Per layer, the mean over heads is mixed half and half with the identity (the skip connection), its rows are
    normalised to 1, and the layers are multiplied, the last in front. Returns (B, N, N); every row sums to 1.
    Values and MLPs are ignored, so it keeps account of paths and measures nothing: compare it with `occlusion`.
    Raises ValueError when layers are missing in between.
    Source: arXiv 2005.00928.
    """
    maps = maps.among_picture_tokens()
    if maps.layers != tuple(range(maps.layers[0], maps.layers[0] + len(maps.layers))):
        raise ValueError(
            f"the maps hold layers {', '.join(map(str, maps.layers))}; the rollout multiplies layer by layer and needs "
            "all in between. Capture them with attention_maps(model, image), without layers=…."
        )
    count = maps.weights[0].shape[-1]
    identity = torch.eye(count, dtype=torch.float64, device=maps.weights[0].device)
    rollout = identity.expand(len(maps.weights[0]), count, count)
    for weights in maps.weights:
        mixed = (weights.double().mean(dim=1) + identity) / 2
        rollout = mixed / mixed.sum(dim=-1, keepdim=True) @ rollout
    return rollout


def mean_attention_distance(maps: AttentionMaps, patch_size: int) -> Tensor:
    """How far from a patch does its attention lie, on average over patches and pictures?

    Columns of prefix tokens are dropped and the rest of each row is scaled to sum to 1 again: otherwise a head that
    looks at the CLS token would seem to look nearby. Returns (layers, heads) in pixels.
    patch_size: side of a patch in pixels, the distance between the centres of neighbours.
    Raises ValueError when a patch has no weight on any patch. Source: arXiv 2010.11929, figure 7.
    """
    if patch_size < 1:
        raise ValueError(f"patch size is {patch_size}; expected 1 or more pixels.")
    height, width = maps.grid
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()], dim=-1)

    def distance(weights: Tensor) -> Tensor:
        among_patches = weights[:, :, maps.num_prefix_tokens :, maps.num_prefix_tokens :].unflatten(-1, (height, width))
        return patch_size * weighted_distance(among_patches, places)

    return _by_layer_and_head(maps, distance)


def attention_entropy(maps: AttentionMaps) -> Tensor:
    """How spread out is the attention of a patch? 0 for a single key, ln N for all N tokens equally.

    Taken over all tokens, those in front included, averaged over patches and pictures. Returns (layers, heads) in nats.
    """
    return _by_layer_and_head(
        maps, lambda weights: torch.special.entr(weights[:, :, maps.num_prefix_tokens :]).sum(dim=-1)
    )


def _by_layer_and_head(maps: AttentionMaps, statistic: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply a statistic (B, heads, N, N) -> (B, heads, patches) layer by layer and average it: (layers, heads)."""
    maps = maps.among_picture_tokens()
    heads = [weights.shape[1] for weights in maps.weights]
    if len(set(heads)) > 1:
        raise ValueError(
            f"the layers have {heads} heads; a table needs the same number in each. Keep some by layers=…."
        )
    return torch.stack([statistic(weights.double()).mean(dim=(0, 2)) for weights in maps.weights])
