"""How far each layer of a network reaches from one place, by gradient and, if the network attends, by attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vlmteach.probes.attention import AttentionMaps, NoAttention, every_attention_map
from vlmteach.probes.distance import weighted_distance
from vlmteach.probes.effective import effective_receptive_field
from vlmteach.probes.network import plain_network
from vlmteach.probes.patchview.layers import block_around, find_grid_layers, read_grids, thin

Size = tuple[int, int]


@dataclass(frozen=True)
class DistanceByDepth:
    """Mean distances in pixels from the middle of a picture, by layer; comparable between networks of any kind.

    layers: the modules' names. depth: the share of the network's layers up to and including each, in (0, 1].
    field: (layers,), of the gradient field of the middle unit. attention: (layers, heads), of the attention of the
    middle patch among patches, or None for a network that does not attend.
    """

    layers: tuple[str, ...]
    depth: tuple[float, ...]
    field: Tensor
    attention: Tensor | None


def distance_by_depth(
    model: nn.Module, image: Tensor, noise: Tensor, stages: Sequence[str] | None = None, most: int = 4
) -> DistanceByDepth:
    """Measure the unit in the middle of the picture at up to `most` layers, evenly spread, the last among them.

    model: a CNN or a ViT, in eval mode. image: (1, 3, H, W), in which attention is read. noise: (B, 3, H, W), at which
    gradients are taken, as for any effective field. stages: the layers of a CNN, shallow to deep; without them, the
    modules that turn one grid into the next are found. A ViT's layers are its blocks.
    Raises ValueError for sizes that differ, a model in training mode, stages given to a ViT, attention of which
    there is no map over the picture (windows, channels), and for a layer that makes no grid (B, C, H, W) of more than
    one cell.
    """
    if image.shape[-2:] != noise.shape[-2:]:
        raise ValueError(
            f"the picture is {tuple(image.shape[-2:])} and the noise {tuple(noise.shape[-2:])}; expected one size, so "
            "that distances in pixels mean the same."
        )
    model = plain_network(model)
    maps = _attention_among_patches(model, image)
    every = _all_layers(model, image, maps, stages)
    kept = thin(list(range(len(every))), most)
    layers = [every[i] for i in kept]
    tokens = None if maps is None else maps.picture
    grids = read_grids(model, layers, tokens)(image)
    share = (1.0, 1.0) if tokens is None else tokens.share
    field = torch.stack([_field_distance(model, layer, grids[layer], noise, share) for layer in layers])
    attention = None if maps is None else torch.stack([_attention_distance(maps, i, image) for i in kept])
    return DistanceByDepth(tuple(layers), tuple((i + 1) / len(every) for i in kept), field, attention)


def _all_layers(
    model: nn.Module, image: Tensor, maps: AttentionMaps | None, stages: Sequence[str] | None
) -> Sequence[str]:
    if maps is None:
        return find_grid_layers(model, image) if stages is None else stages
    if stages is not None:
        raise ValueError(
            f"stages {list(stages)} were given for a network that attends; expected none: its blocks count."
        )
    return [block_around(model, name) for name in maps.names]


def _attention_among_patches(model: nn.Module, image: Tensor) -> AttentionMaps | None:
    """The attention of a ViT; None for a network without any, or that only pools by it, which is a CNN here."""
    try:
        maps = every_attention_map(model, image)
    except NoAttention:
        return None
    return None if maps.picture is None else maps.among_picture_tokens()


def _field_distance(model: nn.Module, layer: str, grid: Tensor, noise: Tensor, share: tuple[float, float]) -> Tensor:
    rows, columns = grid.shape[1:3]
    unit = (rows // 2, columns // 2)
    field = effective_receptive_field(model, layer, unit, noise)
    seen = (noise.shape[-2] * share[0], noise.shape[-1] * share[1])  # pixels that the grid takes
    return weighted_distance(field, _middle(unit, (rows, columns), seen))


def _attention_distance(maps: AttentionMaps, index: int, image: Tensor) -> Tensor:
    """(heads,): of the middle patch, its attention to tokens without a place left out. Pixels of square patches."""
    rows, columns = maps.grid
    unit = (rows // 2, columns // 2)
    patches = maps.weights[index][0, :, maps.num_prefix_tokens :, maps.num_prefix_tokens :]
    among = patches[:, unit[0] * columns + unit[1]].unflatten(-1, (rows, columns))
    assert maps.picture is not None  # maps.grid has told
    return image.shape[-2] * maps.picture.share[0] / rows * weighted_distance(among, unit)


def _middle(unit: Size, grid: Size, picture: tuple[float, float]) -> tuple[float, float]:
    """The middle of a unit's own part of the picture; pixel centres lie at whole numbers."""
    down, across = ((u + 0.5) * side / count - 0.5 for u, side, count in zip(unit, picture, grid, strict=True))
    return down, across
