"""Parts of a tensor: by channel every position stays; a slice of positions is a window of width one."""

from __future__ import annotations

import operator
from typing import Any

import torch

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import COLUMNS, POSITIONS, ROWS, Field, Opaque, Parts
from vlmteach.probes.receptive_field.rules.layout import unsqueeze, without
from vlmteach.probes.receptive_field.rules.registry import register_rule


@register_rule(torch.split, torch.functional.split, "Tensor.split")
def split(field: Field, parts: Any, dim: int = 0) -> Parts:
    """Parts by channel, of a length or of several lengths: each keeps every position."""
    channels = field.sizes[field.axis(dim)]
    if isinstance(parts, (tuple, list)):
        return _parts(field, dim, len(parts))
    return _parts(field, dim, -(-channels // parts) if isinstance(channels, int) else None)


@register_rule(torch.chunk, "Tensor.chunk")
def chunk(field: Field, chunks: int, dim: int = 0) -> Parts:
    """At most so many parts of equal length by channel."""
    channels = field.sizes[field.axis(dim)]
    return split(field, -(-channels // chunks), dim) if isinstance(channels, int) else _parts(field, dim, chunks)


def _parts(field: Field, dim: int, count: int | None) -> Parts:
    place = field.axis(dim)
    if field.layout[place] in POSITIONS:
        raise UnsupportedOperation(f"it splits the axis of {field.layout[place]}")
    return Parts(field.resized(place), count)


@register_rule(torch.unbind, "Tensor.unbind")
def unbind(field: Field, dim: int = 0) -> Parts:
    """Slices along one axis, which disappears."""
    place = field.axis(dim)
    count = field.sizes[place]
    return Parts(without(field, {place}), count if isinstance(count, int) else None)


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
    place = 0
    for item in indexes:
        if item is None:
            field, place = unsqueeze(field, place), place + 1
        elif isinstance(item, slice):
            field, place = _cut(field, place, item), place + 1
        elif isinstance(item, int):
            if field.layout[place] in POSITIONS and field.cause is not None:
                return field.pooled("")  # one position of a map that has seen everything: a CLS token
            field = without(field, {place})
        else:
            raise UnsupportedOperation(f"it indexes with {type(item).__name__}")
    return field


def _cut(field: Field, place: int, cut: slice) -> Field:
    if cut == slice(None):
        return field
    meaning = field.layout[place]
    if meaning not in (ROWS, COLUMNS):
        return field.resized(place)
    start, step = cut.start or 0, cut.step or 1
    axis = field.rows if meaning == ROWS else field.columns
    if axis.count is not None and all(isinstance(end, (int, type(None))) for end in (cut.start, cut.stop, cut.step)):
        start, stop, step = cut.indices(axis.count)
        count: int | None = len(range(start, stop, step))
    elif isinstance(start, int) and isinstance(step, int) and start >= 0 and step > 0:
        count = None  # where the slice ends does not change what its units see
    else:
        raise UnsupportedOperation("it slices positions by numbers that need input_size")
    axis = axis.window(1, step, -start, count=count)
    rows, columns = (axis, field.columns) if meaning == ROWS else (field.rows, axis)
    sizes = [*field.sizes[:place], Opaque() if count is None else count, *field.sizes[place + 1 :]]
    return field.arranged(field.layout, sizes) if field.needs else field.placed(rows, columns, sizes)
