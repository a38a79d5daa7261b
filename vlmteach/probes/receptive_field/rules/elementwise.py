"""Operations on each position alone, and merges position by position: a window changes only where windows meet."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import (
    COLUMNS,
    OTHER,
    ROWS,
    Blank,
    Field,
    Opaque,
    Size,
    Value,
    find_values,
    has_opaque,
    merge_values,
)
from vlmteach.probes.receptive_field.rules.padding import pad
from vlmteach.probes.receptive_field.rules.registry import register_rule

# Names of functions that work on single numbers. Each is looked up in torch, torch.nn.functional, Tensor and operator.
_NAMES = (
    "abs", "absolute", "acos", "acosh", "add", "addcdiv", "addcmul", "alpha_dropout", "arccos", "arccosh",
    "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh", "bfloat16",
    "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "bool", "byte", "ceil", "celu", "char", "clamp",
    "clamp_max", "clamp_min", "clip", "clone", "contiguous", "copysign", "cos", "cosh", "cpu", "cuda", "deg2rad",
    "detach", "digamma", "div", "divide", "double", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "eq",
    "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "feature_alpha_dropout", "feature_dropout", "fix", "float",
    "float_power", "floor", "floor_divide", "floordiv", "fmax", "fmin", "fmod", "frac", "ge", "gelu", "greater",
    "greater_equal", "gt", "half", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "heaviside", "hypot",
    "i0", "int", "invert", "isfinite", "isinf", "isnan", "ldexp", "le", "leaky_relu", "lerp", "less", "less_equal",
    "lgamma", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logit", "logsigmoid", "long", "lt", "masked_fill", "maximum", "minimum", "mish",
    "mod", "mul", "multiply", "nan_to_num", "ne", "neg", "negative", "not_equal", "positive", "pow", "rad2deg",
    "reciprocal", "relu", "relu6", "remainder", "round", "rrelu", "rsqrt", "rsub", "selu", "sgn", "short",
    "sigmoid", "sign", "signbit", "silu", "sin", "sinc", "sinh", "softplus", "softshrink", "softsign", "sqrt",
    "square", "sub", "subtract", "tan", "tanh", "tanhshrink", "threshold", "to", "true_divide", "truediv", "trunc",
    "type", "type_as", "where", "xlogy",
)  # fmt: skip

_MODULES = (
    nn.AlphaDropout, nn.CELU, nn.ChannelShuffle, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.ELU,
    nn.FeatureAlphaDropout,
    nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.Identity, nn.LeakyReLU, nn.LogSigmoid,
    nn.Mish, nn.PReLU, nn.ReLU, nn.ReLU6, nn.RReLU, nn.SELU, nn.Sigmoid, nn.SiLU, nn.Softplus, nn.Softshrink,
    nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
)  # fmt: skip


def merge_elementwise(*args: Any, **kwargs: Any) -> Value:
    """Position by position, whatever the numbers do to each other: relu, a sum, a product, a choice."""
    return merge_values(find_values((args, kwargs)))


def _merge_in_module(_module: nn.Module, *args: Any, **kwargs: Any) -> Value:
    return merge_elementwise(*args, **kwargs)


def _functions(name: str) -> list[Any]:
    spaces = [(torch, "{}"), (torch, "{}_"), (F, "{}"), (F, "{}_"), (operator, "{}"), (operator, "i{}")]
    found = [getattr(space, form.format(name), None) for space, form in spaces]
    return [function for function in found if callable(function)]


for _name in _NAMES:
    register_rule(*_functions(_name), f"Tensor.{_name}", f"Tensor.{_name}_", f"Tensor.__{_name}__")(merge_elementwise)
register_rule(F.prelu, torch.prelu, "torchvision.ops.stochastic_depth.stochastic_depth", torch.channel_shuffle,
              "Tensor.data", "Tensor.requires_grad_", torch.special.expit, torch.special.erf,
              F.channel_shuffle)(merge_elementwise)  # fmt: skip
register_rule(*_MODULES)(_merge_in_module)


@register_rule(torch.cat, torch.concat, torch.concatenate)
def concatenate(tensors: Any, dim: int = 0) -> Value:
    """By channels a merge. Along positions only constants may join: CLS and register tokens have seen nothing, and
    rows or columns of them are padding.
    """  # fmt: skip
    fields = [value for value in find_values(tensors) if isinstance(value, Field)]
    field, place = fields[0], fields[0].axis(dim)
    meaning = field.layout[place]
    if meaning != OTHER and len(find_values(tensors)) > 1:
        raise UnsupportedOperation(f"it joins maps along {meaning}")
    if meaning in (ROWS, COLUMNS):
        at = next(i for i, part in enumerate(tensors) if part is field)
        before, after = (_total_length(parts, place) for parts in (tensors[:at], tensors[at + 1 :]))
        if has_opaque((before, after)) and field.along(meaning).count is not None:
            raise UnsupportedOperation(f"it joins a map and a tensor of unknown size along {meaning}")
        return pad(field, [0, 0] * (len(field.layout) - 1 - place) + [before, after])
    merged = merge_values(find_values(tensors))
    return merged.resized(place) if isinstance(merged, Field) else merged


def _total_length(constants: Sequence[Any], dim: int) -> Size:
    """How long constants are together along one dimension; Opaque when a size is not known."""
    total = 0
    for constant in constants:
        sizes = constant.shape if isinstance(constant, torch.Tensor) else getattr(constant, "sizes", ())
        if len(sizes) <= dim or isinstance(sizes[dim], Opaque):
            return Opaque()
        total += sizes[dim]
    return total


@register_rule(torch.stack)
def stack(tensors: Any, dim: int = 0) -> Value:
    """A merge with one more axis."""
    merged = merge_values(find_values(tensors))
    assert isinstance(merged, Field)
    place = dim % (len(merged.layout) + 1)
    layout, sizes = list(merged.layout), list(merged.sizes)
    layout.insert(place, OTHER)
    sizes.insert(place, len(tensors))
    return merged.arranged(layout, sizes)


@register_rule(nn.GLU)
def gated_module(module: nn.GLU, field: Field) -> Field:
    """One half gates the other."""
    return gated(field, module.dim)


@register_rule(F.glu)
def gated(field: Field, dim: int = -1) -> Field:
    """Two halves of the channels, position by position."""
    place = field.axis(dim)
    if field.layout[place] != OTHER:
        raise UnsupportedOperation(f"it gates one half of the {field.layout[place]} by the other")
    size = field.sizes[place]
    return field.resized(place, size // 2 if isinstance(size, int) else None)


@register_rule(torch.zeros_like, torch.ones_like, torch.full_like, torch.empty_like, torch.rand_like, torch.randn_like)
def blank_like(field: Field, *_values: Any, **_more: Any) -> Blank:
    """A tensor of the same sizes that has seen nothing."""
    return Blank(*field.sizes)


@register_rule("Tensor.new_zeros", "Tensor.new_ones", "Tensor.new_empty")
def new_blank(field: Field, *sizes: Any, **_more: Any) -> Blank:
    """One of other sizes."""
    return Blank(*sizes)


@register_rule("Tensor.new_full", "Tensor.new_tensor")
def new_tensor(field: Field, *_values: Any, **_more: Any) -> Opaque:
    """One of sizes that are not looked at."""
    return Opaque()
