"""Operations through which a unit may see the whole picture: normalisation over space, attention, full connections."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import (
    CELL,
    MIXED,
    OTHER,
    POSITIONS,
    Field,
    Opaque,
    Pooled,
    Size,
    Value,
    find_values,
    merge_values,
)
from vlmteach.probes.receptive_field.rules.registry import register_rule


@register_rule(nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)
def batch_norm_module(module: nn.BatchNorm2d, field: Field) -> Field:
    """In eval mode a fixed scale for each channel; without running statistics it measures the picture every time."""
    return field if module.running_mean is not None else field.everywhere("BatchNorm without running statistics")


@register_rule(F.batch_norm)
def batch_norm(
    field: Field, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: Any = False,
    momentum: Any = 0.1, eps: Any = 1e-5,
) -> Field:  # fmt: skip
    """The same as a function."""
    return field.everywhere("batch_norm with the statistics of this picture") if training else field


@register_rule(nn.InstanceNorm1d, nn.InstanceNorm2d)
def instance_norm_module(module: nn.InstanceNorm2d, field: Field) -> Field:
    """Each channel is normalised over the positions of its picture, unless running statistics are kept."""
    return field if module.running_mean is not None else field.everywhere("InstanceNorm")


@register_rule(F.instance_norm)
def instance_norm(
    field: Field, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: Any = 0.1, eps: Any = 1e-5,
) -> Field:  # fmt: skip
    """The same as a function."""
    return field.everywhere("instance_norm") if use_input_stats else field


@register_rule(nn.GroupNorm)
def group_norm_module(module: nn.GroupNorm, field: Field) -> Field:
    """Normalised over the positions and some channels: even one group a channel takes all positions."""
    return field.everywhere("GroupNorm")


@register_rule(F.group_norm)
def group_norm(field: Field, *_parameters: Any, **_more: Any) -> Field:
    """The same as a function."""
    return field.everywhere("group_norm")


@register_rule(F.local_response_norm)
def local_response_norm(field: Field, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Field:
    """Over neighbouring channels only."""
    return field


@register_rule(nn.LocalResponseNorm, nn.CrossMapLRN2d)
def local_response_norm_module(module: nn.LocalResponseNorm, field: Field) -> Field:
    """Over neighbouring channels only."""
    return field


@register_rule(F.layer_norm, F.rms_norm)
def layer_norm(field: Field, normalized_shape: Sequence[Any], *_parameters: Any, **_more: Any) -> Field:
    """Over the last axes: harmless when they are channels (ConvNeXt, ViT), global when positions are among them."""
    normalised = field.layout[len(field.layout) - len(normalized_shape) :]
    lost = [meaning for meaning in normalised if meaning in POSITIONS]
    return field.everywhere(f"LayerNorm over {' and '.join(lost)}") if lost else field


@register_rule(nn.LayerNorm, nn.RMSNorm)
def layer_norm_module(module: nn.LayerNorm, field: Field) -> Field:
    """The same as a module."""
    return layer_norm(field, module.normalized_shape)


@register_rule(F.linear)
def linear(field: Field, weight: Any, bias: Any = None) -> Value:
    """On channels it works on each position alone, like a 1×1 convolution; on positions it connects them all."""
    return _connected(field, -1, weight.shape[0] if isinstance(weight, Tensor) else None)


@register_rule(nn.Linear, nn.modules.linear.NonDynamicallyQuantizableLinear)
def linear_module(module: nn.Linear, field: Field) -> Value:
    """The same as a module."""
    return _connected(field, -1, module.out_features)


def _connected(field: Field, dim: int, size: int | None) -> Value:
    """Every number along an axis mixed with every other by constants."""
    place = field.axis(dim)
    meaning = field.layout[place]
    if meaning in POSITIONS:
        return field.pooled(f"a full connection over {'all positions' if meaning == MIXED else meaning}")
    return field.arranged([*field.layout[:place], OTHER, *field.layout[place + 1 :]], field.sizes).resized(place, size)


@register_rule(torch.matmul, torch.bmm, torch.mm, "Tensor.matmul", "Tensor.bmm", "Tensor.mm", "Tensor.__matmul__",
               operator.matmul)  # fmt: skip
def matrix_product(one: Any, two: Any) -> Value:
    """With a constant it is a linear layer. Two maps multiplied are attention: any position may meet any other."""
    values = find_values((one, two))
    if len(values) == 2:
        return _multiplied(values, one, two)
    if isinstance(one, Field):
        return _connected(one, -1, _side(two, -1))
    return _connected(two, -2, _side(one, -2))


def _side(matrix: Any, dim: int) -> int | None:
    """A side of a constant matrix, when it is known."""
    return matrix.shape[dim] if isinstance(matrix, Tensor) else None


@register_rule(torch.baddbmm, torch.addmm, "Tensor.baddbmm", "Tensor.addmm")
def matrix_product_and_sum(bias: Any, one: Any, two: Any, **_factors: Any) -> Value:
    """A matrix product added to something."""
    return merge_values(find_values((bias, matrix_product(one, two))))


@register_rule(torch.einsum, torch.functional.einsum)
def einsum(equation: str, *operands: Any) -> Value:
    """Letters that are summed over connect; a letter for positions in several maps must be the same positions there."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else operands
    inputs, _, output = equation.replace(" ", "").partition("->")
    if "." in inputs or "->" not in equation:
        raise UnsupportedOperation("its equation has dots or does not say what comes out")
    fields = [(letters, t) for letters, t in zip(inputs.split(","), tensors, strict=True) if isinstance(t, Field)]
    meanings: dict[str, str] = {}
    sizes: dict[str, Size] = {}
    for letters, field in fields:
        for letter, meaning, size in zip(letters, field.layout, field.sizes, strict=True):
            if meanings.setdefault(letter, meaning) != meaning:
                raise UnsupportedOperation(f"{letter!r} of its equation is {meanings[letter]} here and {meaning} there")
            sizes.setdefault(letter, size)
    lost = sorted({meaning for letter, meaning in meanings.items() if letter not in output and meaning in POSITIONS})
    # A letter that only one of several maps has pairs each of its positions with all of the others.
    paired = [x for x in output if meanings.get(x) in POSITIONS and any(x not in letters for letters, _ in fields)]
    values = find_values(tensors)
    if lost or paired or len(fields) < len(values):
        if len(values) > 1:
            return _attention(values)
        return fields[0][1].pooled(f"a full connection over {' and '.join(lost)}")
    merged = merge_values([replace(field, layout=(), sizes=()) for _, field in fields])
    assert isinstance(merged, Field)
    return merged.arranged([meanings.get(x, OTHER) for x in output], [sizes.get(x, Opaque()) for x in output])


@register_rule(F.scaled_dot_product_attention)
def scaled_dot_product_attention(query: Any, key: Any, value: Any, *_mask: Any, **_more: Any) -> Value:
    """Every position may read every other."""
    return _multiplied(find_values((query, key, value)), query, value)


def _multiplied(values: Sequence[Value], one: Any, two: Any) -> Value:
    """Maps whose last two axes are multiplied as matrices. Positions before them, as of windows, stay apart."""
    fields = [value for value in values if isinstance(value, Field)]
    apart = [field for field in fields if not POSITIONS.intersection(field.layout[-2:])]
    if any(CELL in field.layout[:-2] for field in fields):
        raise UnsupportedOperation("it multiplies the same places of several cells by each other")
    if not apart:
        return _attention(values)
    if len(apart) < len(fields):
        raise UnsupportedOperation("it multiplies a map by parts of another")
    layouts = [replace(field, layout=field.layout[:-2], sizes=field.sizes[:-2]) for field in fields]
    merged = merge_values([*layouts, *[value for value in values if not isinstance(value, Field)]])
    assert isinstance(merged, Field)
    sides = (
        one.sizes[-2] if isinstance(one, Field) else Opaque(),
        two.sizes[-1] if isinstance(two, Field) else Opaque(),
    )
    return merged.arranged([*merged.layout, OTHER, OTHER], [*merged.sizes, *sides])


def _attention(values: Sequence[Value]) -> Value:
    """Any position meets any other: nothing is left of them."""
    return merge_values([value.pooled("attention") if isinstance(value, Field) else value for value in values])


@register_rule(nn.MultiheadAttention)
def attention_module(module: nn.MultiheadAttention, query: Any, key: Any, value: Any, *_more: Any, **_mask: Any) -> Any:
    """Output and weights."""
    values = find_values((query, key, value))
    for given in values:
        if isinstance(given, Field):
            _require_token_axis(given, module.batch_first)
    output = _attention(values)
    return output, output


@register_rule(nn.TransformerEncoderLayer, nn.TransformerEncoder)
def transformer_module(module: Any, field: Field, *_masks: Any, **_more: Any) -> Field:
    """Attention beside a path that keeps each position."""
    layer = module.layers[0] if isinstance(module, nn.TransformerEncoder) else module
    _require_token_axis(field, layer.self_attn.batch_first)
    return field.everywhere("attention")


def _require_token_axis(field: Field, batch_first: bool) -> None:
    place = 1 if batch_first else 0
    if len(field.layout) != 3 or field.layout[place] not in POSITIONS:
        raise UnsupportedOperation(f"its tokens are axis {place} of axes {field.axes}, which are no positions")


_FOURIER = ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")


@register_rule(*[getattr(torch.fft, name) for name in _FOURIER])
def fourier(field: Field, *_sizes: Any, **_more: Any) -> Pooled:
    """A frequency sees the whole map, and so does what is made from frequencies."""
    return field.pooled("a Fourier transform")
