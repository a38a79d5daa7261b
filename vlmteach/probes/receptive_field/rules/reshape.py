"""Reshaping moves numbers between axes. A rule follows where the positions go, or says that it lost them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import (
    CELL,
    COLUMNS,
    FLAT,
    MIXED,
    OTHER,
    POSITIONS,
    ROWS,
    Field,
    Opaque,
    Size,
)
from vlmteach.probes.receptive_field.rules.registry import register_rule


@register_rule(torch.reshape, "Tensor.reshape", "Tensor.view")
def reshape(field: Field, *shape: Any) -> Field:
    """Axes are joined and split in groups that hold equally many numbers; a group says what its new axes mean."""
    wanted = list(shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)
    if len(wanted) == 1 and isinstance(wanted[0], torch.dtype):
        return field
    if isinstance(shape[0], Opaque) and len(shape) == 1:
        raise UnsupportedOperation("its new shape is not known")
    layout: list[str] = []
    sizes: list[Size] = []
    for old, new in _groups(field.sizes, wanted):
        new_sizes = _without_minus_one([field.sizes[i] for i in old], [wanted[i] for i in new])
        field, meanings = _regrouped(field, [field.layout[i] for i in old], [field.sizes[i] for i in old], new_sizes)
        if 0 in old and CELL in field.layout[old.start : old.stop]:  # like more pictures, each with some of the places
            meanings = [CELL if meaning == OTHER else meaning for meaning in meanings]
        layout += meanings
        sizes += new_sizes
    return field.arranged(layout, sizes)


def _groups(old: Sequence[Size], new: Sequence[Size]) -> list[tuple[range, range]]:
    """Which old axes become which new ones: the shortest groups of equal products, from both ends to the -1."""
    front, back, i, j = [], [], 0, 0
    while (taken := _group(old[i:], new[j:])) is not None:
        front.append((range(i, i + taken[0]), range(j, j + taken[1])))
        i, j = i + taken[0], j + taken[1]
    end, stop = len(old), len(new)
    while (taken := _group(old[i:end][::-1], new[j:stop][::-1])) is not None:
        back.append((range(end - taken[0], end), range(stop - taken[1], stop)))
        end, stop = end - taken[0], stop - taken[1]
    middle = [(range(i, end), range(j, stop))] if (i, j) != (end, stop) else []
    return [*front, *middle, *reversed(back)]


def _group(old: Sequence[Size], new: Sequence[Size]) -> tuple[int, int] | None:
    """How many axes from the front, the fewest possible, hold equally many numbers in both."""
    if old and new and (new[0] is old[0] or (new[0] == old[0] != -1)):
        return 1, 1
    taken, products = [0, 0], [1, 1]
    while not (all(taken) and products[0] == products[1]):
        side = 0 if products[0] <= products[1] else 1
        sizes = (old, new)[side]
        size = sizes[taken[side]] if taken[side] < len(sizes) else None
        if not isinstance(size, int) or size == -1:
            return None
        taken[side] += 1
        products[side] *= size
    return taken[0], taken[1]


def _without_minus_one(old: Sequence[Size], new: Sequence[Size]) -> list[Size]:
    """The new sizes with -1 worked out, if all others are known."""
    known = [size for size in (*old, *new) if isinstance(size, int) and size != -1]
    if len(known) == len(old) + len(new) - 1:
        left = math.prod(size for size in old if isinstance(size, int))
        rest: Size = left // math.prod(size for size in new if isinstance(size, int) and size != -1)
    else:
        rest = Opaque()
    return [rest if size == -1 else size for size in new]


def _regrouped(
    field: Field, meanings: Sequence[str], sizes: Sequence[Size], new: Sequence[Size]
) -> tuple[Field, list[str]]:
    """What the new axes of one group mean, and the field, whose positions may become fewer or more."""
    if len(new) > 1 and 1 in new:  # axes of length 1 mean nothing
        field, found = _regrouped(field, meanings, sizes, [size for size in new if size != 1])
        rest = iter(found)
        return field, [OTHER if size == 1 else next(rest) for size in new]
    real = [pair for pair in zip(meanings, sizes, strict=True) if pair != (OTHER, 1)]
    meanings, sizes = [meaning for meaning, _ in real], [size for _, size in real]
    if not POSITIONS.intersection(meanings) and (new or not meanings):
        return field, [*meanings] if len(new) == len(meanings) == 1 else [OTHER] * len(new)
    if len(new) == 1 and meanings[0] in (ROWS, COLUMNS) and len(meanings) > 1 and not POSITIONS & set(meanings[1:]):
        return _spread_channels(field, meanings[0], sizes[1:]), [meanings[0]]
    if len(new) == 1:
        return field, [_joined(meanings)]
    if meanings == [FLAT] and len(new) == 2 and _grid_again(field, new):
        return field, [ROWS, COLUMNS]
    if meanings in ([ROWS], [COLUMNS]) and all(isinstance(size, int) for size in new[1:]):
        cell = math.prod(size for size in new[1:] if isinstance(size, int))
        return _gather_cells(field, meanings[0], cell), [meanings[0], *[CELL] * (len(new) - 1)]
    known = all(isinstance(size, int) for size in (*sizes, *new))
    raise UnsupportedOperation(
        f"it reshapes ({', '.join(meanings)}) into {len(new)} axes in a way that loses track of positions"
        + ("" if known else ", as long as their number is not known: pass input_size")
    )


def _spread_channels(field: Field, meaning: str, sizes: Sequence[Size]) -> Field:
    """Channels become positions: each unit becomes several that saw the same, as in a pixel shuffle."""
    if not all(isinstance(size, int) for size in sizes):
        raise UnsupportedOperation(f"it joins {meaning} with channels whose number is not known")
    times = math.prod(size for size in sizes if isinstance(size, int))
    axis = field.along(meaning)
    same = [0] * times
    return field.with_axis(meaning, axis.read(same, same, 1, None if axis.count is None else axis.count * times))


def _gather_cells(field: Field, meaning: str, cell: int) -> Field:
    """Positions become channels: each unit holds a cell of `cell` units, as in a pixel unshuffle."""
    axis = field.along(meaning)
    if axis.step is None and list(axis.low) != sorted(axis.low):
        raise UnsupportedOperation(f"it makes cells of {meaning} that were moved round the end")
    return field.with_axis(meaning, axis.window(cell, cell, count=None if axis.count is None else axis.count // cell))


def _grid_again(field: Field, new: Sequence[Size]) -> bool:
    """Whether two new axes are the rows and columns that were flattened; without a known size, trust the pair."""
    known = [size for size in (field.rows.count, field.columns.count) if size is not None]
    return list(new) == known if len(known) == 2 else any(isinstance(size, Opaque) for size in new)


def _joined(meanings: Sequence[str]) -> str:
    real = tuple(meanings)
    if len(real) == 1:
        return real[0]
    return FLAT if real == (ROWS, COLUMNS) else MIXED


@register_rule(torch.flatten, "Tensor.flatten")
def flatten(field: Field, start_dim: int = 0, end_dim: int = -1) -> Field:
    """Rows and columns in one axis keep their order: row by row."""
    start, end = field.axis(start_dim), field.axis(end_dim)
    return reshape(field, [*field.sizes[:start], -1, *field.sizes[end + 1 :]])


@register_rule(nn.Flatten)
def flatten_module(module: nn.Flatten, field: Field) -> Field:
    """The same as a module."""
    return flatten(field, module.start_dim, module.end_dim)


@register_rule(nn.Unflatten)
def unflatten_module(module: nn.Unflatten, field: Field) -> Field:
    """One axis becomes several."""
    return unflatten(field, int(module.dim), module.unflattened_size)


@register_rule(torch.unflatten, "Tensor.unflatten")
def unflatten(field: Field, dim: int, sizes: Any) -> Field:
    """One axis becomes several."""
    place = field.axis(dim)
    return reshape(field, [*field.sizes[:place], *sizes, *field.sizes[place + 1 :]])
