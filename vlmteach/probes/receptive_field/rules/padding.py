"""Padding shifts positions: unit u of the padded map reads unit u - (padding in front)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import OTHER, POSITIONS, Field, Opaque
from vlmteach.probes.receptive_field.intervals import Axis
from vlmteach.probes.receptive_field.rules.registry import register_rule


@register_rule(nn.ZeroPad2d, nn.ConstantPad2d)
def constant_module(module: nn.ZeroPad2d, field: Field) -> Field:
    """Zeros or another constant around the grid."""
    return pad(field, module.padding)


@register_rule(nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d)
def copying_module(module: nn.ReflectionPad2d, field: Field) -> Field:
    """Copies of pixels around the grid: the windows are the same, but near the border they are not the whole story."""
    return pad(field, module.padding, "copies")


@register_rule(F.pad)
def pad(field: Field, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Field:
    """Pairs (before, after) for the last axis first. Axes that are no positions may be padded freely."""
    if any(isinstance(number, Opaque) for number in pad):
        return field.unsized("padding by an amount that depends on the picture's size")
    axes = {"rows": field.rows, "columns": field.columns}
    sizes = list(field.sizes)
    for i in range(0, len(pad), 2):
        place = len(field.layout) - 1 - i // 2
        meaning, before, after = field.layout[place], pad[i], pad[i + 1]
        if not (before or after):
            continue
        if meaning in axes:
            axes[meaning] = _shift(axes[meaning], before, after)
            sizes[place] = axes[meaning].count or Opaque()
        elif meaning == OTHER:
            sizes[place] = Opaque()
        elif meaning in POSITIONS:
            raise UnsupportedOperation(f"it pads the axis of {meaning}")
    if field.needs is not None:
        return field.arranged(field.layout, sizes)
    moved = any(pad) and mode != "constant"
    return field.placed(axes["rows"], axes["columns"], sizes, copies=moved)


def _shift(axis: Axis, before: int, after: int) -> Axis:
    count = None if axis.count is None else axis.count + before + after
    return axis.window(1, padding=before, count=count)
