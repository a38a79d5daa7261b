"""Operations that change how many positions there are by a ratio: transposed convolution, adaptive pooling."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import (
    FLAT,
    GRID,
    OTHER,
    Field,
    Opaque,
    Size,
    Value,
    find_values,
    merge_values,
)
from vlmteach.probes.receptive_field.intervals import Axis, WrongSize
from vlmteach.probes.receptive_field.rules.registry import register_rule
from vlmteach.probes.receptive_field.rules.windows import PerAxis, both, pair, slide


@register_rule(nn.ConvTranspose2d)
def transposed_module(module: nn.ConvTranspose2d, field: Field, output_size: Any = None) -> Field:
    """A transposed convolution: the phases of its output see different units."""
    padding = pair(module.padding)
    shape = (module.kernel_size, module.stride, padding, module.output_padding, module.dilation)
    return _sized(spread(field, *shape, module.out_channels), output_size)


@register_rule(F.conv_transpose2d, torch.conv_transpose2d)
def transposed_function(
    field: Field,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Field:
    """The same as a function."""
    if not isinstance(weight, Tensor):
        raise UnsupportedOperation("its weight is computed from the picture")
    return spread(field, tuple(weight.shape[2:]), stride, padding, output_padding, dilation, weight.shape[1] * groups)


def spread(
    field: Field,
    kernel: PerAxis,
    stride: PerAxis,
    padding: PerAxis,
    extra: PerAxis,
    dilation: PerAxis,
    channels: Size,
) -> Field:
    """A transposed convolution: unit u reads each unit i with u = i*stride - padding + j*dilation with j < kernel."""
    field.require_grid()
    numbers = (pair(kernel), pair(stride), pair(padding), pair(extra), pair(dilation))
    rows, columns = (
        _spread_axis(axis, *each) for axis, *each in zip((field.rows, field.columns), *numbers, strict=True)
    )
    return field.moved(rows, columns, channels)


def _spread_axis(axis: Axis, kernel: int, stride: int, padding: int, extra: int, dilation: int) -> Axis:
    first, last = [], []
    for phase in range(stride):
        reads = [(phase + padding - j * dilation) for j in range(kernel)]
        units = [place // stride for place in reads if place % stride == 0]
        if not units:
            raise UnsupportedOperation(f"its stride {stride} leaves outputs without any input (kernel {kernel})")
        first.append(min(units))
        last.append(max(units))
    count = None
    if axis.count is not None:
        count = (axis.count - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
    return axis.read(first, last, 1, count)


@register_rule(nn.AdaptiveAvgPool2d)
def adaptive_average_module(module: nn.AdaptiveAvgPool2d, field: Field) -> Value:
    """Adaptive average pooling."""
    return adaptive_pool(field, module.output_size)


@register_rule(nn.AdaptiveMaxPool2d)
def adaptive_max_module(module: nn.AdaptiveMaxPool2d, field: Field) -> Any:
    """Adaptive max pooling."""
    return adaptive_max_pool(field, module.output_size, module.return_indices)


@register_rule(F.adaptive_max_pool2d)
def adaptive_max_pool(field: Field, output_size: Any, return_indices: bool = False) -> Any:
    """Adaptive max pooling, with indices or without."""
    grid = adaptive_pool(field, output_size)
    return (grid, grid) if return_indices else grid


@register_rule(F.adaptive_max_pool2d_with_indices)
def adaptive_max_pool_with_indices(field: Field, output_size: Any, return_indices: bool = False) -> Any:
    """What torch.fx sees of adaptive_max_pool2d(…, return_indices=True): always a pair."""
    return adaptive_max_pool(field, output_size, return_indices=True)


@register_rule(F.adaptive_avg_pool2d)
def adaptive_pool(field: Field, output_size: Any) -> Value:
    """To 1×1 it is global pooling. To n×n, unit u averages the units floor(u*N/n) … ceil((u+1)*N/n) - 1."""
    field.require_grid()
    sides = both(output_size)
    if 1 in sides:
        return field.pooled("global pooling")
    if any(isinstance(side, Opaque) for side in sides):
        return field.unsized("adaptive pooling to a size that depends on the picture's")
    rows, columns = _adapt(field.rows, sides[0]), _adapt(field.columns, sides[1])
    if rows is None or columns is None:
        return field.unsized(f"adaptive pooling to {sides[0]}×{sides[1]}")
    return field.moved(rows, columns)


def _adapt(axis: Axis, side: int | None) -> Axis | None:
    if side is None:
        return axis
    if axis.count is None:
        return None
    phases = side // math.gcd(side, axis.count)
    first = [unit * axis.count // side for unit in range(phases)]
    last = [-(-(unit + 1) * axis.count // side) - 1 for unit in range(phases)]
    return axis.read(first, last, axis.count * phases // side, side)


@register_rule(nn.PixelShuffle)
def pixel_shuffle_module(module: nn.PixelShuffle, field: Field) -> Field:
    """Channels become positions."""
    return pixel_shuffle(field, module.upscale_factor)


@register_rule(F.pixel_shuffle)
def pixel_shuffle(field: Field, upscale_factor: int) -> Field:
    """Each unit becomes a square of units that saw the same."""
    field.require_grid()
    same = [0] * upscale_factor
    rows, columns = (
        axis.read(same, same, 1, None if axis.count is None else axis.count * upscale_factor)
        for axis in (field.rows, field.columns)
    )
    return field.moved(rows, columns, Opaque())


@register_rule(nn.MaxUnpool2d)
def unpool_module(module: nn.MaxUnpool2d, field: Field, indices: Any, output_size: Any = None) -> Value:
    """A unit may have come from any place of the pool that is undone."""
    return unpool(field, indices, module.kernel_size, module.stride, module.padding, output_size)


@register_rule(F.max_unpool2d)
def unpool(
    field: Field, indices: Any, kernel_size: PerAxis, stride: Any = None, padding: PerAxis = 0, output_size: Any = None
) -> Value:
    """The same as a function. indices: from max pooling with this kernel, stride and padding."""
    merged = merge_values(find_values((field, indices)))
    if not isinstance(merged, Field):
        return merged
    return _sized(spread(merged, kernel_size, stride or kernel_size, padding, 0, 1, merged.sizes[1]), output_size)


def _sized(field: Field, output_size: Any) -> Field:
    """A larger map of the size that was asked for: a few units more at the end than the smallest possible."""
    if output_size is None:
        return field
    counts = [side if isinstance(side, int) else None for side in tuple(output_size)[-2:]]
    rows, columns = (replace(axis, count=n) for axis, n in zip((field.rows, field.columns), counts, strict=True))
    return field.moved(rows, columns)


@register_rule(nn.Fold)
def fold_module(module: nn.Fold, field: Field) -> Field:
    """Patches put back."""
    return fold(field, module.output_size, module.kernel_size, module.dilation, module.padding, module.stride)


@register_rule(F.fold)
def fold(
    field: Field, output_size: Any, kernel_size: PerAxis, dilation: PerAxis = 1, padding: PerAxis = 0,
    stride: PerAxis = 1,
) -> Field:  # fmt: skip
    """Patches (batch, values, tokens) are added where they came from, as a transposed convolution does."""
    if field.layout != (OTHER, OTHER, FLAT):
        raise UnsupportedOperation(f"it expects (batch, values, tokens) and got axes {field.axes}")
    grid = field.arranged(GRID, (*field.sizes[:2], Opaque(), Opaque()))
    wide = spread(grid, kernel_size, stride, padding, 0, dilation, Opaque())
    sides = [side if isinstance(side, int) else None for side in both(output_size)]
    if None not in (*sides, wide.rows.count) and sides != [wide.rows.count, wide.columns.count]:
        raise WrongSize(f"folds {wide.rows.count}×{wide.columns.count} units into {sides[0]}×{sides[1]}")
    return wide


@register_rule(nn.PixelUnshuffle)
def pixel_unshuffle_module(module: nn.PixelUnshuffle, field: Field) -> Field:
    """Positions become channels."""
    return pixel_unshuffle(field, module.downscale_factor)


@register_rule(F.pixel_unshuffle)
def pixel_unshuffle(field: Field, downscale_factor: int) -> Field:
    """Each square of units becomes one unit."""
    return slide(field, downscale_factor, downscale_factor, 0, channels=Opaque())
