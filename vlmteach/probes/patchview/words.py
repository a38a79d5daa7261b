"""The explorer for words that look at cells: cross-attention, or a language model reading visual tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vlmteach.probes.patchview.convolutional import make_layer
from vlmteach.probes.patchview.data import Measurement, Panel, PanelLayer, PatchViewData
from vlmteach.probes.patchview.maps import Size, Units, as_float32, read_maps
from vlmteach.probes.patchview.picture import as_bytes, reduce_picture


def words_over_cells(
    picture: Tensor,
    words: Sequence[str],
    weights: Tensor,
    grid: Size,
    *,
    change: Tensor | None = None,
    layers: Sequence[str] | None = None,
    title: str = "Where each word looks",
) -> PatchViewData:
    """Show how much each word attends to each cell of the picture, and what hiding that cell really changes.

    picture: (3, H, W) floats in [0, 1]. words: one label for each row of the weights.
    weights: (layers, heads, words, rows * columns), attention to the picture's cells, row by row; leave out columns of
             anything else. Each map is scaled to sum to 1, and a word that attends to no cell shows nothing.
    change:  (words, rows, columns), in per cent, from 0 on: how far each word's answer moves when a cell is hidden, the
             size of what `occlusion` returns.
    layers:  names of the layers, counted from 0 without them. Raises ValueError when the parts do not fit together.
    """
    _check(words, weights, grid, change)
    shown = reduce_picture(picture)
    size = (int(shown.shape[-2]), int(shown.shape[-1]))
    names = [f"layer {i}" for i in range(len(weights))] if layers is None else list(layers)
    if len(names) != len(weights):
        raise ValueError(f"there are {len(names)} layer names for weights of {len(weights)} layers; expected as many.")
    measured = tuple(
        _layer(name, one.float().unflatten(-1, grid), change, grid, size)
        for name, one in zip(names, weights, strict=True)
    )
    maps = ("mean of heads", *(f"head {i}" for i in range(weights.shape[1])))
    panel = Panel(
        "attention",
        "language",
        measured,
        tuple(range(len(names))),
        maps if change is None else (*maps, "change when hidden"),
        tuple(words),
    )
    how = Measurement(original=None if shown is picture else (int(picture.shape[-2]), int(picture.shape[-1])))
    return PatchViewData(title, as_bytes(shown), (panel,), grid, grid, how)


def _layer(name: str, heads: Tensor, change: Tensor | None, grid: Size, picture: Size) -> PanelLayer:
    """heads: (heads, words, rows, columns). The words are the units of a layer: one row of them."""
    total = heads.sum(dim=(-2, -1), keepdim=True)
    heads = heads / torch.where(total == 0, 1, total)
    shown = [heads.mean(dim=0), *heads] if change is None else [heads.mean(dim=0), *heads, change.float()]
    readings = [read_maps(one[None], None, picture, grid) for one in shown]
    units = Units((1, heads.shape[1]), (0,), tuple(range(heads.shape[1])))
    return make_layer(name, units, readings, None if change is None else as_float32(change[None]))


def _check(words: Sequence[str], weights: Tensor, grid: Size, change: Tensor | None) -> None:
    cells = grid[0] * grid[1]
    if not isinstance(weights, Tensor) or weights.ndim != 4 or 0 in weights.shape:
        given = f"shape {tuple(weights.shape)}" if isinstance(weights, Tensor) else type(weights).__name__
        raise ValueError(f"weights has {given}; expected a tensor (layers, heads, words, cells), none of them empty.")
    if weights.shape[2:] != (len(words), cells):
        raise ValueError(
            f"weights has shape {tuple(weights.shape)}; expected (layers, heads, {len(words)}, {cells}) for "
            f"{len(words)} words and {grid[0]} x {grid[1]} cells. Leave out columns that are not cells of the picture."
        )
    if change is not None and tuple(change.shape) != (len(words), *grid):
        raise ValueError(
            f"change has shape {tuple(change.shape)}; expected (words, rows, columns), {(len(words), *grid)}."
        )
