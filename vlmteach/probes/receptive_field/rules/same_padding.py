"""TensorFlow's SAME padding, as timm's tf_* networks have it: how much is padded depends on the picture's size."""

from __future__ import annotations

from typing import Any

from torch import nn

from vlmteach.probes.receptive_field.field import Field
from vlmteach.probes.receptive_field.rules.padding import pad
from vlmteach.probes.receptive_field.rules.registry import register_rule
from vlmteach.probes.receptive_field.rules.windows import (
    PerAxis,
    average_pool_module,
    conv_module,
    max_pool_module,
    pair,
)


def pad_same(field: Field, kernel: PerAxis, stride: PerAxis, dilation: PerAxis = 1) -> Field:
    """As much as makes ceil(units / stride) positions, the odd unit of it at the end."""
    field.require_grid()
    numbers: list[int] = []
    for count, k, s, d in zip(field.sizes[2:], pair(kernel), pair(stride), pair(dilation), strict=True):
        reach = d * (k - 1) + 1
        if s > 1 and not isinstance(count, int):
            return field.unsized("TensorFlow's SAME padding")
        total = reach - 1 if s == 1 else max((-(-count // s) - 1) * s + reach - count, 0)  # type: ignore[operator]
        numbers = [total // 2, total - total // 2, *numbers]
    return pad(field, numbers)


@register_rule(
    "timm.layers.conv2d_same.Conv2dSame",
    "timm.layers.conv2d_same.Conv2dSameExport",
    "timm.layers.std_conv.StdConv2dSame",
    "timm.layers.std_conv.ScaledStdConv2dSame",
)
def same_conv_module(module: Any, field: Field) -> Field:
    """Timm's convolutions with SAME padding; standardised weights see what plain ones see."""
    if getattr(module, "same_pad", True):
        field = pad_same(field, module.kernel_size, module.stride, module.dilation)
    return conv_module(module, field)


@register_rule("timm.layers.pool2d_same.AvgPool2dSame")
def same_average_pool_module(module: nn.AvgPool2d, field: Field) -> Field:
    """Average pooling with SAME padding."""
    return average_pool_module(module, pad_same(field, module.kernel_size, module.stride))


@register_rule("timm.layers.pool2d_same.MaxPool2dSame")
def same_max_pool_module(module: nn.MaxPool2d, field: Field) -> Any:
    """Max pooling with SAME padding."""
    return max_pool_module(module, pad_same(field, module.kernel_size, module.stride, module.dilation))
