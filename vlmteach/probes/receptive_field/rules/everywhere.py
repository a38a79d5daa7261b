"""Operations through which a unit may see the whole picture: normalisation over space, attention, full connections."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.probes.receptive_field.field import POSITIONS, Field, Value, find_values, merge_values
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
    meaning = field.layout[-1]
    if meaning in POSITIONS:
        return field.pooled(f"a full connection over {'all positions' if meaning == 'mixed' else meaning}")
    return field.resized(len(field.layout) - 1, weight.shape[0] if isinstance(weight, Tensor) else None)


@register_rule(nn.Linear, nn.modules.linear.NonDynamicallyQuantizableLinear)
def linear_module(module: nn.Linear, field: Field) -> Value:
    """The same as a module."""
    return linear(field, module.weight)


@register_rule(torch.matmul, torch.bmm, "Tensor.matmul", "Tensor.bmm", "Tensor.__matmul__", operator.matmul)
def matrix_product(one: Any, two: Any) -> Value:
    """With a constant it is a linear layer. Two maps multiplied are attention: any position may meet any other."""
    values = find_values((one, two))
    if len(values) == 2:
        return _attend(values)
    if isinstance(one, Field):
        place, size = one.axis(-1), _side(two, -1)
    else:
        place, size = two.axis(-2), _side(one, -2)
    field = one if isinstance(one, Field) else two
    if field.layout[place] in POSITIONS:
        return field.pooled(f"a full connection over {field.layout[place]}")
    return field.resized(place, size)


def _side(matrix: Any, dim: int) -> int | None:
    """A side of a constant matrix, when it is known."""
    return matrix.shape[dim] if isinstance(matrix, Tensor) else None


@register_rule(F.scaled_dot_product_attention)
def scaled_dot_product_attention(query: Any, key: Any, value: Any, *_mask: Any, **_more: Any) -> Value:
    """Every position may read every other."""
    return _attend(find_values((query, key, value)))


def _attend(values: Sequence[Value]) -> Value:
    merged = [value.pooled("attention") if isinstance(value, Field) else value for value in values]
    return merge_values(merged)


@register_rule(nn.MultiheadAttention)
def attention_module(module: nn.MultiheadAttention, query: Any, key: Any, value: Any, **_more: Any) -> Any:
    """Output and weights."""
    output = _attend(find_values((query, key, value)))
    return output, output


@register_rule(nn.TransformerEncoderLayer, nn.TransformerEncoder)
def transformer_module(module: nn.Module, field: Field, *_masks: Any, **_more: Any) -> Field:
    """Attention beside a path that keeps each position."""
    return field.everywhere("attention")
