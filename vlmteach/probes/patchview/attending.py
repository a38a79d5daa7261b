"""What the explorer shows of a ViT: what a patch attends to, in each head, on average, and over all layers so far."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.probes.attention import AttentionMaps
from vlmteach.probes.attention_statistics import attention_rollout
from vlmteach.probes.patchview.convolutional import make_layer
from vlmteach.probes.patchview.data import PanelLayer
from vlmteach.probes.patchview.maps import Size, Units, read_maps


def attention_names(heads: int, hidden: bool) -> tuple[str, ...]:
    """The maps of the attention panel, in the order of attention_layer."""
    names = ("mean of heads", *(f"head {i}" for i in range(heads)), "rollout")
    return (*names, "change when hidden") if hidden else names


def attention_layer(
    maps: AttentionMaps, index: int, squares: Size, picture: Size, change: NDArray[np.float32] | None
) -> PanelLayer:
    """The attention of every patch at one layer of the maps, which hold all layers of one picture.

    Columns of prefix tokens are dropped and the rest scaled to sum to 1: what is shown is attention among patches.
    The rollout is that of the layers up to this one. change: (rows, columns, *squares) in per cent, or None.
    """
    units = Units(maps.grid, *(tuple(range(count)) for count in maps.grid))
    heads = _among_patches(maps.weights[index][0], maps)
    upto = slice(index + 1)
    rollout = attention_rollout(AttentionMaps(maps.names[upto], maps.weights[upto], maps.layers[upto], maps.picture))
    shown = [heads.mean(dim=0), *heads, _among_patches(rollout, maps)[0]]
    if change is not None:
        shown.append(torch.from_numpy(change))
    readings = [read_maps(one.float(), units, picture, squares) for one in shown]
    return make_layer(maps.names[index], units, readings, change)


def _among_patches(weights: Tensor, maps: AttentionMaps) -> Tensor:
    """(K, N, N) -> (K, rows, columns, rows, columns), each map summing to 1."""
    patches = weights[:, maps.num_prefix_tokens :, maps.num_prefix_tokens :]
    patches = patches / patches.sum(dim=-1, keepdim=True)
    return patches.unflatten(-1, maps.grid).unflatten(1, maps.grid)
