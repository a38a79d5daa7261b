"""Operations that slide a window over the grid: convolution, pooling, unfold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import (
    CELL,
    COLUMNS,
    FLAT,
    OTHER,
    POSITIONS,
    ROWS,
    Field,
    Opaque,
    Size,
    has_opaque,
)
from vlmteach.probes.receptive_field.intervals import WrongSize
from vlmteach.probes.receptive_field.rules.registry import register_rule

PerAxis = int | Sequence[int]


def both(numbers: Any) -> tuple[Any, Any]:
    """One number, or what stands for one, for rows and columns alike, or one for each."""
    rows, columns = numbers if isinstance(numbers, (tuple, list)) else (numbers, numbers)
    return rows, columns


def pair(value: Any) -> tuple[int, int]:
    """A number for rows and columns alike, or one for each."""
    if isinstance(value, int):
        return value, value
    numbers = tuple(value)
    if len(numbers) == 1:
        numbers *= 2
    if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers):
        raise UnsupportedOperation(f"it has {value} where one number for rows and one for columns is expected")
    return numbers


def slide(
    field: Field,
    kernel: PerAxis,
    stride: PerAxis,
    padding: PerAxis,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
    channels: Size | None = None,
    copies: bool = False,
) -> Field:
    """The grid that a sliding window makes of a grid; `channels`: its number of channels, if it changes."""
    field.require_grid()
    if has_opaque((kernel, stride, padding, dilation)):
        return field.unsized("sliding a window whose size depends on the picture's")
    each = zip((field.rows, field.columns), pair(kernel), pair(stride), pair(padding), pair(dilation), strict=True)
    rows, columns = (
        axis.window(k, s, p, d, _count(axis.count, p, p, d * (k - 1) + 1, s, ceil_mode)) for axis, k, s, p, d in each
    )
    return field.moved(rows, columns, channels, copies)


def _count(units: int | None, before: int, after: int, reach: int, stride: int, ceil_mode: bool = False) -> int | None:
    """How many positions a window of `reach` has on padded units, by torch's own rule."""
    if units is None:
        return None
    room = units + before + after - reach
    if room < 0:
        raise WrongSize(f"a window of {reach} does not fit into {units} units: the picture is too small")
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= units + before else count


@register_rule(nn.Conv2d)
def conv_module(module: nn.Conv2d, field: Field) -> Field:
    """A convolution: dilated, grouped and depthwise ones see what a plain one of the same kernel sees, or its hull."""
    shape = (module.kernel_size, module.stride, module.padding, module.dilation)
    return _convolve(field, *shape, module.out_channels, copies=module.padding_mode != "zeros")


def _convolve(
    field: Field,
    kernel: PerAxis,
    stride: PerAxis,
    padding: PerAxis | str,
    dilation: PerAxis,
    channels: int,
    copies: bool = False,
) -> Field:
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):  # "same": torch puts the odd unit of padding at the end, and allows stride 1 only
        field.require_grid()
        rows, columns = (
            axis.window(k, 1, d * (k - 1) // 2, d, axis.count)
            for axis, k, d in zip((field.rows, field.columns), pair(kernel), pair(dilation), strict=True)
        )
        return field.moved(rows, columns, channels, copies)
    return slide(field, kernel, stride, padding, dilation, channels=channels, copies=copies and any(pair(padding)))


@register_rule(F.conv2d, torch.conv2d)
def conv_function(
    field: Field,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: Any = 1,
) -> Field:
    """The kernel's size is the weight's, so the weight must be a parameter and not computed from the picture."""
    if not isinstance(weight, Tensor):
        raise UnsupportedOperation("its weight is computed from the picture")
    return _convolve(field, tuple(weight.shape[2:]), stride, padding, dilation, weight.shape[0])


@register_rule(nn.MaxPool2d)
def max_pool_module(module: nn.MaxPool2d, field: Field) -> Any:
    """Pooling sees its window, whatever it computes in it."""
    grid = slide(field, module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode)
    return (grid, grid) if module.return_indices else grid


@register_rule(F.max_pool2d, torch.max_pool2d)
def max_pool_function(
    field: Field,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The same as a function."""
    grid = slide(field, kernel_size, stride or kernel_size, padding, dilation, ceil_mode)
    return (grid, grid) if return_indices else grid


@register_rule(F.max_pool2d_with_indices)
def max_pool_with_indices(*args: Any, **kwargs: Any) -> Any:
    """What torch.fx sees of max_pool2d(…, return_indices=True): always a pair."""
    found = max_pool_function(*args, **kwargs)
    return found if isinstance(found, tuple) else (found, found)


@register_rule(nn.AvgPool2d)
def average_pool_module(module: nn.AvgPool2d, field: Field) -> Field:
    """Average pooling."""
    return slide(field, module.kernel_size, module.stride, module.padding, 1, module.ceil_mode)


@register_rule(F.avg_pool2d)
def average_pool_function(
    field: Field,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    *_counting: Any,
    **_also_counting: Any,
) -> Field:
    """The same as a function; what padding counts for does not change the window."""
    return slide(field, kernel_size, stride or kernel_size, padding, 1, ceil_mode)


@register_rule(nn.LPPool2d)
def power_pool_module(module: nn.LPPool2d, field: Field) -> Field:
    """Power-average pooling."""
    return slide(field, module.kernel_size, module.stride or module.kernel_size, 0, 1, module.ceil_mode)


@register_rule(F.lp_pool2d)
def power_pool_function(
    field: Field, norm_type: float, kernel_size: PerAxis, stride: PerAxis | None = None, ceil_mode: bool = False
) -> Field:
    """The same as a function."""
    return slide(field, kernel_size, stride or kernel_size, 0, 1, ceil_mode)


@register_rule(nn.Unfold)
def unfold_module(module: nn.Unfold, field: Field) -> Field:
    """Patches as columns of a matrix."""
    return unfold(field, module.kernel_size, module.dilation, module.padding, module.stride)


@register_rule(F.unfold)
def unfold(
    field: Field, kernel_size: PerAxis, dilation: PerAxis = 1, padding: PerAxis = 0, stride: PerAxis = 1
) -> Field:
    """The window of each position is written into one column: (batch, values, tokens)."""
    grid = slide(field, kernel_size, stride, padding, dilation)
    return grid.arranged((OTHER, OTHER, FLAT), (grid.sizes[0], Opaque(), Opaque()))


@register_rule("Tensor.unfold")
def unfold_axis(field: Field, dimension: int, size: int, step: int) -> Field:
    """Windows along one axis; what is in them becomes a new last axis."""
    place = field.axis(dimension)
    meaning = field.layout[place]
    count = field.sizes[place]
    windows: Size = Opaque()
    if isinstance(count, int):
        windows = _count(count, 0, 0, size, step) or 0
    if meaning in (ROWS, COLUMNS):
        axis = field.along(meaning).window(size, step, count=windows if isinstance(windows, int) else None)
        field = field.with_axis(meaning, axis)
    elif meaning in POSITIONS:
        raise UnsupportedOperation(f"it slides a window over the axis of {meaning}")
    sizes = [*field.sizes[:place], windows, *field.sizes[place + 1 :], size]
    return field.arranged((*field.layout, CELL if meaning in POSITIONS else OTHER), sizes)
