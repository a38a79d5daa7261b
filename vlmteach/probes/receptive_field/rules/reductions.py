"""Reductions: over channels each position stays itself; over positions nothing is left of them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from vlmteach.probes.receptive_field.field import POSITIONS, Field, Value
from vlmteach.probes.receptive_field.rules.elementwise import merge_elementwise
from vlmteach.probes.receptive_field.rules.layout import without
from vlmteach.probes.receptive_field.rules.registry import register_rule


def reduce(field: Field, dim: Any, keepdim: bool, word: str) -> Value:
    """`dim`: a number, several, or None for all axes."""
    dims = range(len(field.layout)) if dim is None else (dim if isinstance(dim, (tuple, list)) else (dim,))
    gone = {field.axis(d) for d in dims}
    lost = [field.layout[i] for i in sorted(gone) if field.layout[i] in POSITIONS]
    if lost:
        return field.pooled(f"{word} over {' and '.join(lost)}")
    if not keepdim:
        return without(field, gone)
    return field.arranged(field.layout, [1 if i in gone else size for i, size in enumerate(field.sizes)])


def _register(word: str) -> None:
    def rule(field: Field, dim: Any = None, keepdim: bool = False, **_numeric: Any) -> Value:
        return reduce(field, dim, keepdim, word)

    functions = [getattr(torch, word, None)]
    register_rule(*[function for function in functions if function], f"Tensor.{word}")(rule)


for _word in ("mean", "sum", "prod", "amax", "amin", "all", "any", "argmax", "argmin", "logsumexp", "nansum", "nanmean",
              "count_nonzero"):  # fmt: skip
    _register(_word)


@register_rule(torch.std, torch.var, "Tensor.std", "Tensor.var")
def spread(field: Field, dim: Any = None, unbiased: Any = True, keepdim: bool = False, **_numeric: Any) -> Value:
    """Standard deviation and variance."""
    return reduce(field, dim, keepdim, "variance")


@register_rule(torch.std_mean, torch.var_mean)
def spread_and_mean(field: Field, dim: Any = None, unbiased: Any = True, keepdim: bool = False, **_numeric: Any) -> Any:
    """Both at once."""
    return (reduce(field, dim, keepdim, "variance"),) * 2


@register_rule(torch.norm, "Tensor.norm")
def norm(field: Field, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    """A length over some axes, as in global response normalisation (arXiv 2301.00808)."""
    return reduce(field, dim, keepdim, "norm")


@register_rule(torch.linalg.vector_norm, torch.linalg.norm)
def vector_norm(field: Field, ord: Any = 2, dim: Any = None, keepdim: bool = False, **_numeric: Any) -> Value:
    """The same from torch.linalg."""
    return reduce(field, dim, keepdim, "norm")


@register_rule(F.cosine_similarity, torch.cosine_similarity)
def cosine_similarity(one: Value, two: Any, dim: int = 1, eps: float = 1e-8) -> Value:
    """The angle between the channels of two maps, or of a map and a constant."""
    merged = merge_elementwise(one, two)
    return reduce(merged, dim, False, "cosine similarity") if isinstance(merged, Field) else merged


@register_rule(torch.sort, "Tensor.sort")
def sort(field: Field, dim: int = -1, *_order: Any, **_more: Any) -> Any:
    """Values in their order, and where they stood."""
    return (_normalised(field, dim, "sorting"),) * 2


@register_rule(torch.topk, "Tensor.topk")
def largest(field: Field, k: int, dim: int = -1, *_order: Any, **_more: Any) -> Any:
    """The largest values along an axis, and where they stood."""
    meaning = field.layout[field.axis(dim)]
    chosen = field.pooled(f"a choice over {meaning}") if meaning in POSITIONS else field.resized(field.axis(dim), k)
    return chosen, chosen


@register_rule(torch.max, torch.min, "Tensor.max", "Tensor.min", torch.median, "Tensor.median")
def extreme(field: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Of two tensors position by position; along an axis a pair of values and indices; of everything one number."""
    if isinstance(dim, Field) or not isinstance(field, Field):
        return merge_elementwise(field, dim)
    reduced = reduce(field, dim, keepdim, "maximum or minimum")
    return reduced if dim is None else (reduced, reduced)


@register_rule(
    torch.softmax, F.softmax, F.log_softmax, torch.log_softmax, "Tensor.softmax", "Tensor.log_softmax", F.softmin
)
def softmax(field: Field, dim: Any = None, *_more: Any, **_numeric: Any) -> Field:
    """Over channels it works on each position alone; over positions each one depends on all."""
    if dim is None:  # torch then chooses, with a warning
        dim = 0 if len(field.layout) in (0, 1, 3) else 1
    return _normalised(field, dim, "softmax")


@register_rule(nn.Softmax, nn.LogSoftmax, nn.Softmin)
def softmax_module(module: nn.Softmax, field: Field) -> Field:
    """The same as a module."""
    return softmax(field, module.dim)


@register_rule(nn.Softmax2d)
def softmax_of_channels(module: nn.Softmax2d, field: Field) -> Field:
    """Softmax over channels."""
    return softmax(field, -3)


@register_rule(F.normalize)
def normalize(field: Field, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Field:
    """Divided by the length over an axis."""
    return _normalised(field, dim, "normalisation")


def _normalised(field: Field, dim: int, word: str) -> Field:
    meaning = field.layout[field.axis(dim)]
    return field.everywhere(f"{word} over {meaning}") if meaning in POSITIONS else field
