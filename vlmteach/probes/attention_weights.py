"""What a network weighs its values with: worked out beside a fused step, or read off a step in the open.

Weights are given as float32 (float64 of a float64 network). Neither autocast nor a lowered matmul precision touches
them: their scores are worked out in float64, or in float32 where its products keep their digits. The network's own
results go on through it as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

FUSED = F.scaled_dot_product_attention
SOFTMAX = (torch.softmax, F.softmax, Tensor.softmax, torch.special.softmax)
PRODUCT = (torch.matmul, Tensor.matmul, torch.bmm, Tensor.bmm, torch.baddbmm, Tensor.baddbmm, torch.einsum)


def attend(full_products: Callable[[torch.device], bool], *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """What scaled_dot_product_attention gives for these arguments, and its weights (…, queries, keys).

    full_products: whether a device multiplies float32 in full, as `multiplies_in_full` tries it.
    A row of weights sums to 1, or is zero where a mask leaves nothing to attend to.
    Raises ValueError for dropout and for nested tensors.
    """
    output = FUSED(*args, **kwargs)
    return output, _weights(full_products, output.dtype, *args, **kwargs)


def _weights(
    full_products: Callable[[torch.device], bool],
    dtype: torch.dtype,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """The weights of a step that answers in `dtype`, to which autocast may have rounded its queries and keys."""
    if dropout_p:
        raise ValueError(f"a layer drops weights at random (p = {dropout_p}) in eval mode; its map would be noise.")
    if query.is_nested:
        raise ValueError("a layer attends over nested tensors, which have no common map; pass one picture at a time.")
    if enable_gqa:  # several query heads share one key head
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    with torch.autocast(query.device.type, enabled=False):
        query, key = query.to(dtype), key.to(dtype)
        if dtype != torch.float32 or not full_products(query.device):
            query, key = _exact(query), _exact(key)
        scores = _shown(query * scale @ key.mT, dtype)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is None:
        return _softmax_in_place(scores)
    if attn_mask.dtype == torch.bool:
        allowed = attn_mask
    else:
        allowed = attn_mask > -torch.inf
        scores = scores + attn_mask.to(dtype)
    # a row with nothing to attend to has no softmax; torch's answer, and ours, is zeros
    weights = _softmax_in_place(scores.masked_fill(~allowed, -torch.inf))
    return weights.masked_fill(~allowed.any(dim=-1, keepdim=True), 0.0)


def _softmax_in_place(scores: Tensor) -> Tensor:
    """Over the last axis. A map of its own for the result, in fresh memory, takes as long as the softmax."""
    scores.sub_(scores.amax(dim=-1, keepdim=True)).exp_()
    return scores.div_(scores.sum(dim=-1, keepdim=True))


def multiplies_in_full(device: torch.device) -> bool:
    """Does a product of float32 keep its digits here? Torch may be set to round factors to TF32 or bfloat16."""
    thirds = torch.full((1, 64, 64), 1 / 3, dtype=torch.float32, device=device)
    return math.isclose((thirds @ thirds)[0, 0, 0].item(), 64 / 9, rel_tol=5e-6)


def rows_of(softmax: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """What a softmax made, as it was before anything wrote on it, and in float32 where it was rounded to half."""
    if softmax.dtype not in (torch.float16, torch.bfloat16):
        return softmax.clone()
    scores = args[0] if args else kwargs["input"]
    return _shown(_exact(scores).softmax(dim=args[1] if len(args) > 1 else kwargs["dim"]), softmax.dtype)


def read_product(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], made: Sequence[Tensor]
) -> tuple[int, Tensor, Tensor | None] | None:
    """Is this product one of weights and values? `made` are the softmaxes so far that nothing was multiplied with yet.

    Returns which of them it is, the factor that it became, and the weights (…, queries, keys): the rows that values
    were really multiplied with, or None when the softmax was changed into something that is no share of the values.
    None for any other product.
    """
    for factor, arrange in _factors(func, args, kwargs):
        used = arrange(factor)
        for number, rows in enumerate(made):
            if rows.numel() != used.numel():
                continue
            if rows.shape[-2:] == used.shape[-2:] and _same(rows.reshape(used.shape), used):
                return number, factor, _shares(rows.reshape(used.shape).nan_to_num(0.0))
            if rows.shape == factor.shape and _same(rows, factor):
                return number, factor, _shares(arrange(rows).nan_to_num(0.0))
        for number, rows in enumerate(made):
            if rows.numel() == used.numel() and rows.shape[-2:] == used.shape[-2:]:
                return number, factor, _shares(used.clone())
    return None


def summed_axes(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Sequence[tuple[Tensor, int]]:
    """The two factors of a product, each with the length of the axis that it sums over; none for other products."""
    return [(factor, arrange(factor).shape[-1]) for factor, arrange in _factors(func, args, kwargs)]


Arrange = Callable[[Tensor], Tensor]


def _factors(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Sequence[tuple[Tensor, Arrange]]:
    """The two factors of a product, each with what brings its summed axis to the end: there are the keys."""
    if func is torch.einsum:
        return _factors_of_einsum(*args)
    left, right = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)][-2:]
    if min(left.ndim, right.ndim) < 3:
        return []
    return [(left, lambda factor: factor), (right, lambda factor: factor.mT)]


def _factors_of_einsum(equation: Any, *operands: Any) -> Sequence[tuple[Tensor, Arrange]]:
    tensors = operands[0] if isinstance(operands[0], list | tuple) else operands
    if not isinstance(equation, str) or len(tensors) != 2:
        return []
    terms, _, result = equation.replace(" ", "").partition("->")
    axes = [_axes(term, tensor.ndim) for term, tensor in zip(terms.split(","), tensors, strict=True)]
    result = result or "".join(name for name in set(terms) if name.isalpha() and terms.count(name) == 1)
    factors = []
    for tensor, own, other in zip(tensors, axes, reversed(axes), strict=True):
        summed = [name for name in own if name.isalpha() and name not in result]
        asking = [name for name in own if name.isalpha() and name in result and name not in other]
        if len(summed) == len(asking) == 1:
            last = [own.index(asking[0]), own.index(summed[0])]
            order = [axis for axis in range(tensor.ndim) if axis not in last] + last
            factors.append((tensor, lambda factor, order=order: factor.permute(order)))
    return factors


def _axes(term: str, count: int) -> list[str]:
    """The names of a tensor's axes: "...ij" of four axes is 0, 1, i, j."""
    before, dots, after = term.partition("...")
    more = range(count - len(before) - len(after)) if dots else ()
    return [*before, *map(str, more), *after]


def _same(rows: Tensor, used: Tensor) -> bool:
    """Up to the rounding of `used`; a row that may attend to nothing is NaN at first, and often set to zero then."""
    close = torch.isclose(rows.to(used.dtype), used, rtol=4 * torch.finfo(used.dtype).eps, atol=1e-12)
    return bool((close | rows.isnan()).all())


def _shares(weights: Tensor) -> Tensor | None:
    """The weights when each row is of shares: from 0 on, and 1 (or 0) together; else None."""
    total = weights.sum(dim=-1)
    fair = ((total - 1).abs() < 1e-4) | (total == 0)
    return weights if bool(fair.all()) and bool((weights >= 0).all()) else None


def _exact(values: Tensor) -> Tensor:
    return values.float() if values.device.type == "mps" else values.double()  # Apple's GPUs have no float64


def _shown(values: Tensor, dtype: torch.dtype) -> Tensor:
    return values.to(torch.promote_types(dtype, torch.float32))
