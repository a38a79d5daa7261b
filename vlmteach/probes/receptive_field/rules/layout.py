"""Axes in another order, more or fewer of them, and what a model asks about a tensor without looking at its numbers."""

from __future__ import annotations

from typing import Any

import torch

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import OTHER, POSITIONS, Field, Opaque, Value
from vlmteach.probes.receptive_field.rules.registry import register_rule


@register_rule(torch.permute, "Tensor.permute")
def permute(field: Field, *dims: Any) -> Field:
    """The axes in another order; what they mean travels with them."""
    order = [field.axis(dim) for dim in (dims[0] if isinstance(dims[0], (tuple, list)) else dims)]
    return field.arranged([field.layout[i] for i in order], [field.sizes[i] for i in order])


@register_rule(
    torch.transpose, torch.swapaxes, torch.swapdims, "Tensor.transpose", "Tensor.swapaxes", "Tensor.swapdims"
)
def transpose(field: Field, dim0: int, dim1: int) -> Field:
    """Two axes change places."""
    order = list(range(len(field.layout)))
    one, two = field.axis(dim0), field.axis(dim1)
    order[one], order[two] = two, one
    return permute(field, order)


@register_rule(torch.movedim, torch.moveaxis, "Tensor.movedim", "Tensor.moveaxis")
def move(field: Field, source: Any, destination: Any) -> Field:
    """Some axes move to other places, the rest keep their order."""
    sources, places = (
        [field.axis(dim) for dim in (dims if isinstance(dims, (tuple, list)) else (dims,))]
        for dims in (source, destination)
    )
    order = [dim for dim in range(len(field.layout)) if dim not in sources]
    for place, dim in sorted(zip(places, sources, strict=True)):
        order.insert(place, dim)
    return permute(field, order)


@register_rule("Tensor.mT")
def matrix_transpose(field: Field) -> Field:
    """The last two axes change places."""
    return transpose(field, -2, -1)


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


@register_rule(torch.broadcast_to, "Tensor.expand", "Tensor.expand_as", "Tensor.view_as", "Tensor.reshape_as",
               "Tensor.broadcast_to")  # fmt: skip
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


@register_rule("vlmteach.nn.tokens.grid_boxes")
def boxes_of_cells(*_sizes: Any, **_more: Any) -> Opaque:
    """Where the cells of a grid lie depends on how many there are, not on what they hold."""
    return Opaque()


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
