"""Rearrangements: they move numbers. A rule follows where the positions go, or says that it lost them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import (
    COLUMNS,
    FLAT,
    MIXED,
    OTHER,
    POSITIONS,
    ROWS,
    Field,
    Opaque,
    Size,
    Value,
)
from vlmteach.probes.receptive_field.rules.registry import register_rule


@register_rule(torch.permute, "Tensor.permute")
def permute(field: Field, *dims: Any) -> Field:
    """The axes in another order; what they mean travels with them."""
    order = [field.axis(dim) for dim in (dims[0] if isinstance(dims[0], (tuple, list)) else dims)]
    return field.arranged([field.layout[i] for i in order], [field.sizes[i] for i in order])


@register_rule(torch.transpose, torch.swapaxes, "Tensor.transpose", "Tensor.swapaxes")
def transpose(field: Field, dim0: int, dim1: int) -> Field:
    """Two axes change places."""
    order = list(range(len(field.layout)))
    one, two = field.axis(dim0), field.axis(dim1)
    order[one], order[two] = two, one
    return permute(field, order)


@register_rule("Tensor.mT")
def matrix_transpose(field: Field) -> Field:
    """The last two axes change places."""
    return transpose(field, -2, -1)


@register_rule(torch.reshape, "Tensor.reshape", "Tensor.view")
def reshape(field: Field, *shape: Any) -> Field:
    """Equal axes at the front and at the back stay what they are; what is between them is joined or split."""
    wanted = list(shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)
    if len(wanted) == 1 and isinstance(wanted[0], torch.dtype):
        return field
    start = 0
    while start < min(len(wanted), len(field.sizes)) and _equal(wanted[start], field.sizes[start]):
        start += 1
    end = 0
    room = min(len(wanted), len(field.sizes)) - start
    while end < room and _equal(wanted[-1 - end], field.sizes[-1 - end]):
        end += 1
    old = slice(start, len(field.layout) - end)
    new = wanted[start : len(wanted) - end]
    meanings = _regroup(field, field.layout[old], field.sizes[old], new)
    sizes = [Opaque() if size == -1 else size for size in new]
    if not new and field.layout[old]:
        raise UnsupportedOperation(f"it reshapes axes {field.axes} and drops {field.layout[old]}")
    return field.arranged(
        [*field.layout[:start], *meanings, *field.layout[old.stop :]],
        [*field.sizes[:start], *sizes, *field.sizes[old.stop :]],
    )


def _equal(wanted: Size, have: Size) -> bool:
    return wanted is have or (isinstance(wanted, int) and wanted != -1 and wanted == have)


def _regroup(field: Field, meanings: Sequence[str], sizes: Sequence[Size], new: Sequence[Size]) -> list[str]:
    """What the new axes mean that hold the numbers of the old ones."""
    if not POSITIONS.intersection(meanings):
        return [OTHER] * len(new)
    if len(new) == 1:
        return [_joined(meanings)]
    if tuple(meanings) == (FLAT,) and len(new) == 2 and _grid_again(field, new):
        return [ROWS, COLUMNS]
    words = ", ".join(meanings)
    raise UnsupportedOperation(f"it reshapes ({words}) into {len(new)} axes in a way that loses track of positions")


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
    joined = field.layout[start : end + 1]
    meaning = OTHER if not POSITIONS.intersection(joined) else _joined(joined)
    size = field.sizes[start] if start == end else Opaque()
    return field.arranged(
        [*field.layout[:start], meaning, *field.layout[end + 1 :]],
        [*field.sizes[:start], size, *field.sizes[end + 1 :]],
    )


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


@register_rule(torch.unsqueeze, "Tensor.unsqueeze")
def unsqueeze(field: Field, dim: int) -> Field:
    """A new axis of length 1."""
    place = dim % (len(field.layout) + 1)
    return field.arranged(
        [*field.layout[:place], OTHER, *field.layout[place:]], [*field.sizes[:place], 1, *field.sizes[place:]]
    )


@register_rule(torch.squeeze, "Tensor.squeeze")
def squeeze(field: Field, dim: Any = None) -> Field:
    """Axes of length 1 go; without naming them, nobody knows which."""
    if dim is None:
        raise UnsupportedOperation("it squeezes without saying which axis")
    gone = {field.axis(d) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))}
    return without(field, gone)


def without(field: Field, gone: set[int]) -> Field:
    """The field when some axes, none of them positions, are dropped."""
    if any(field.layout[i] in POSITIONS for i in gone):
        raise UnsupportedOperation(f"it drops an axis of positions from axes {field.axes}")
    kept = [i for i in range(len(field.layout)) if i not in gone]
    return field.arranged([field.layout[i] for i in kept], [field.sizes[i] for i in kept])


@register_rule("Tensor.expand", "Tensor.expand_as", "Tensor.view_as", "Tensor.reshape_as")
def expand(field: Field, *sizes: Any) -> Value:
    """To more copies along axes of length 1; positions stay where they are."""
    wanted = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    if isinstance(wanted[0], Field):
        if wanted[0].layout != field.layout:
            raise UnsupportedOperation(f"it gives axes {field.axes} the shape of axes {wanted[0].axes}")
        return field
    if len(wanted) != len(field.layout):
        raise UnsupportedOperation(f"it expands axes {field.axes} to {len(wanted)} axes")
    return field


@register_rule("Tensor.size", "Tensor.shape")
def size(field: Field, dim: int | None = None) -> Any:
    """Lengths of axes; those that are not known are opaque."""
    return field.sizes if dim is None else field.sizes[field.axis(dim)]


@register_rule("Tensor.dim", "Tensor.ndimension", "Tensor.ndim")
def count_axes(field: Field) -> int:
    """How many axes there are."""
    return len(field.layout)


@register_rule("Tensor.dtype", "Tensor.device", "Tensor.numel", "Tensor.nelement", "Tensor.stride", "Tensor.get_device")
def opaque(field: Field, *_arguments: Any) -> Opaque:
    """Nothing about positions."""
    return Opaque()


@register_rule(
    "Tensor.requires_grad", "Tensor.is_cuda", "Tensor.is_mps", "Tensor.is_meta", "Tensor.is_sparse",
    "Tensor.is_quantized", "Tensor.is_nested", "Tensor.is_complex", torch.is_complex,
)  # fmt: skip
def no(_tensor: Value) -> bool:
    """What a model asks to choose between ways to compute the same; memory-saving code asks for requires_grad."""
    return False


@register_rule("Tensor.is_floating_point", torch.is_floating_point, "Tensor.is_contiguous", "Tensor.is_leaf")
def yes(_tensor: Value, **_format: Any) -> bool:
    """The same for what is true of a picture in evaluation."""
    return True


SHAPE_QUESTIONS = frozenset({size, count_axes, opaque})  # they answer with numbers, not with positions
FACTS = frozenset({no, yes})  # they do not even depend on the tensor
