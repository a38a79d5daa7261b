"""Parts of a tensor: by channel every position stays; a slice of positions is a window of width one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import CELL, COLUMNS, POSITIONS, ROWS, Field, Opaque, Parts
from vlmteach.probes.receptive_field.rules.layout import unsqueeze, without
from vlmteach.probes.receptive_field.rules.registry import register_rule

_SOME_PLACES = "it takes some of the places in a cell and leaves others out"


@register_rule(torch.split, torch.functional.split, "Tensor.split")
def split(field: Field, parts: Any, dim: int = 0) -> Parts:
    """Parts by channel, of a length or of several lengths: each keeps every position."""
    if isinstance(parts, (tuple, list)):
        return _parts(field, dim, len(parts), parts[0] if len({*parts}) == 1 else None)
    channels = field.sizes[field.axis(dim)]
    if not isinstance(channels, int):
        return _parts(field, dim, None, None)
    return _parts(field, dim, -(-channels // parts), None if channels % parts else parts)


@register_rule(torch.chunk, "Tensor.chunk")
def chunk(field: Field, chunks: int, dim: int = 0) -> Parts:
    """At most so many parts of equal length by channel."""
    channels = field.sizes[field.axis(dim)]
    return split(field, -(-channels // chunks), dim) if isinstance(channels, int) else _parts(field, dim, chunks, None)


def _parts(field: Field, dim: int, count: int | None, size: Any) -> Parts:
    """count: how many parts. size: the length of all of them, if they are equal and it is known."""
    place = field.axis(dim)
    if field.layout[place] in (*POSITIONS, CELL):
        raise UnsupportedOperation(f"it splits the axis of {field.layout[place]}")
    return Parts(field.resized(place, size if isinstance(size, int) else None), count)


@register_rule(torch.unbind, "Tensor.unbind")
def unbind(field: Field, dim: int = 0) -> Parts:
    """Slices along one axis, which disappears."""
    count = field.sizes[field.axis(dim)]
    return Parts(select(field, dim, 0), count if isinstance(count, int) else None)


@register_rule(operator.getitem)
def get_item(thing: Any, index: Any) -> Any:
    """A part of a split, a number of a shape, or a slice of a tensor."""
    if not isinstance(thing, Field):
        return thing[index]
    field = thing
    indexes = list(index) if isinstance(index, tuple) else [index]
    taken = sum(i is not None and i is not Ellipsis for i in indexes)
    if Ellipsis in indexes:
        at = indexes.index(Ellipsis)
        indexes[at : at + 1] = [slice(None)] * (len(field.layout) - taken)
    place, advanced = 0, False
    for item in indexes:
        if item is None:
            field, place = unsqueeze(field, place), place + 1
        elif isinstance(item, slice):
            field, place = _cut(field, place, item), place + 1
        elif isinstance(item, (list, torch.Tensor)) and not advanced:
            field, place, advanced = index_select(field, place, torch.as_tensor(item)), place + 1, True
        elif isinstance(item, int):
            if field.layout[place] in POSITIONS and field.cause is not None:
                return field.pooled("")  # one position of a map that has seen everything: a CLS token
            field = select(field, place, item)
        else:
            raise UnsupportedOperation(f"it indexes with {type(item).__name__}")
    return field


@register_rule(torch.select, "Tensor.select")
def select(field: Field, dim: int, index: Any) -> Field:
    """One place of an axis, which disappears."""
    place = field.axis(dim)
    _require_all_places(field, place)
    return without(field, {place})


@register_rule(torch.narrow, "Tensor.narrow")
def narrow(field: Field, dim: int, start: Any, length: Any) -> Field:
    """A slice by its start and length."""
    place = field.axis(dim)
    if isinstance(start, Opaque) or isinstance(length, Opaque):
        return _cut(field, place, slice(start, Opaque()))
    end = start + length
    return _cut(field, place, slice(start, None if start < 0 and end == 0 else end))


@register_rule(torch.roll, "Tensor.roll")
def roll(field: Field, shifts: Any, dims: Any = None) -> Field:
    """Units move, round the end of the axis."""
    if dims is None:
        raise UnsupportedOperation("it rolls without saying which axis")
    pairs = zip(shifts, dims, strict=True) if isinstance(dims, (tuple, list)) else [(shifts, dims)]
    for shift, dim in pairs:
        field = _picked(field, dim, "roll", partial(_rolled, shift))
    return field


def _rolled(shift: int, count: int) -> list[int]:
    return [(unit - shift) % count for unit in range(count)]


@register_rule(torch.flip, "Tensor.flip")
def flip(field: Field, *dims: Any) -> Field:
    """The last unit comes first."""
    for dim in dims[0] if isinstance(dims[0], (tuple, list)) else dims:
        field = _picked(field, dim, "flip", lambda count: [*reversed(range(count))])
    return field


@register_rule(torch.index_select, "Tensor.index_select")
def index_select(field: Field, dim: int, index: Any) -> Field:
    """Units by their numbers."""
    if not isinstance(index, torch.Tensor) or index.ndim != 1 or index.dtype == torch.bool or index.is_meta:
        raise UnsupportedOperation("it selects by something else than a list of known numbers")
    numbers, place = index.tolist(), field.axis(dim)
    if field.layout[place] == CELL and sorted(numbers) != list(range(len(numbers))):
        raise UnsupportedOperation(_SOME_PLACES)
    if field.layout[place] not in POSITIONS:
        return field.resized(place, len(numbers))
    return _picked(field, dim, "index_select", lambda count: [number % count for number in numbers])


@register_rule(torch.repeat_interleave, "Tensor.repeat_interleave")
def repeat_interleave(field: Field, repeats: Any, dim: Any = None, output_size: Any = None) -> Field:
    """Each unit several times in a row."""
    if not isinstance(repeats, int) or dim is None:
        raise UnsupportedOperation("how often it repeats each unit differs from unit to unit")
    if field.layout[field.axis(dim)] not in POSITIONS:
        return field.resized(field.axis(dim))
    return _picked(field, dim, "repeat_interleave", lambda count: [u // repeats for u in range(count * repeats)])


@register_rule("Tensor.repeat", torch.tile, "Tensor.tile")
def repeat(field: Field, *times: Any) -> Field:
    """The whole several times, one after the other."""
    numbers = times[0] if isinstance(times[0], (tuple, list)) else times
    for _ in range(len(numbers) - len(field.layout)):
        field = unsqueeze(field, 0)
    for dim, number in enumerate(numbers, start=len(field.layout) - len(numbers)):
        if number == 1:
            continue
        if field.layout[dim] not in POSITIONS:
            field = field.resized(dim)
        elif isinstance(number, Opaque):
            field = field.unsized("repeating")
        else:
            field = _picked(field, dim, "repeat", partial(_repeated, number))
    return field


def _repeated(times: int, count: int) -> list[int]:
    return [*range(count)] * times


@register_rule(torch.cumsum, torch.cumprod, torch.logcumsumexp, "Tensor.cumsum", "Tensor.cumprod",
               "Tensor.logcumsumexp")  # fmt: skip
def accumulate(field: Field, dim: int, **_numeric: Any) -> Field:
    """Each unit and all before it along an axis."""
    return _picked(field, dim, "cumulative sum", lambda count: [*range(count)], first=lambda count: [0] * count)


@register_rule(torch.cummax, torch.cummin, "Tensor.cummax", "Tensor.cummin")
def accumulate_with_indices(field: Field, dim: int) -> Any:
    """The same, and where the value came from."""
    return (accumulate(field, dim),) * 2


def _picked(
    field: Field,
    dim: int,
    word: str,
    last: Callable[[int], list[int]],
    first: Callable[[int], list[int]] | None = None,
) -> Field:
    """New rows or columns from the numbers of the old units that each reads: from `first`, if given, to `last`."""
    place = field.axis(dim)
    meaning = field.layout[place]
    if meaning not in POSITIONS:
        return field
    if meaning not in (ROWS, COLUMNS):
        raise UnsupportedOperation(f"it moves numbers along the axis of {meaning}")
    axis = field.along(meaning)
    if axis.count is None or field.needs is not None:
        return field.unsized(f"{word} along {meaning}")
    numbers = last(axis.count)
    field = field.with_axis(meaning, axis.read_each(first(axis.count) if first else numbers, numbers))
    return field.arranged(field.layout, [*field.sizes[:place], len(numbers), *field.sizes[place + 1 :]])


def _require_all_places(field: Field, place: int) -> None:
    if field.layout[place] == CELL:
        raise UnsupportedOperation(_SOME_PLACES)


def _cut(field: Field, place: int, cut: slice) -> Field:
    if cut == slice(None):
        return field
    meaning = field.layout[place]
    _require_all_places(field, place)
    if meaning not in (ROWS, COLUMNS):
        return field.resized(place)
    start, step = cut.start or 0, cut.step or 1
    axis = field.rows if meaning == ROWS else field.columns
    if axis.count is not None and all(isinstance(end, (int, type(None))) for end in (cut.start, cut.stop, cut.step)):
        start, stop, step = cut.indices(axis.count)
        count: int | None = len(range(start, stop, step))
    elif isinstance(start, int) and isinstance(step, int) and start >= 0 and step > 0:
        # Where the slice ends does not change what its units see. A single unit may be broadcast.
        count = 1 if isinstance(cut.stop, int) and cut.stop > 0 and len(range(start, cut.stop, step)) == 1 else None
    else:
        raise UnsupportedOperation("it slices positions by numbers that need input_size")
    axis = axis.window(1, step, -start, count=count)
    rows, columns = (axis, field.columns) if meaning == ROWS else (field.rows, axis)
    sizes = [*field.sizes[:place], Opaque() if count is None else count, *field.sizes[place + 1 :]]
    return field.arranged(field.layout, sizes) if field.needs else field.placed(rows, columns, sizes)
