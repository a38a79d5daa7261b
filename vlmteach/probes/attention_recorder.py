"""Read attention weights while a network runs as it always runs.

A network with fused attention never writes its weights down: it calls `scaled_dot_product_attention` and keeps only the
output. So we stand in front of that one function. Whatever came before it (norms on queries and keys, rotary positions,
masks) has then already happened and needs no rule of its own, and no kind of block has to be known by name. Attention
in the open is known by what it is: a softmax, multiplied with values. One that compares no queries with keys and sums
over channels, as in linear attention, is no map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from vlmteach.probes.attention_axes import NoMap, sort_axes
from vlmteach.probes.attention_origin import Products, is_weight, tensors_in
from vlmteach.probes.attention_weights import (
    FUSED,
    PRODUCT,
    SOFTMAX,
    attend,
    multiplies_in_full,
    read_product,
    rows_of,
    summed_axes,
)
from vlmteach.probes.network import named_parts
from vlmteach.probes.picture_tokens import PictureTokens, is_visual_tokens, layout_of

OWN_BLOCK = F.multi_head_attention_forward
OWN_SOFTMAX = F.softmax


class Part(NamedTuple):
    """A module in whose forward we are: its name, and the tokens or the grid that it was given, None without any."""

    name: str
    given: Tensor | None


@dataclass
class Kept:
    """The weights of one layer, and where they were made.

    weights: (B, heads, queries, keys); with `pictures`, heads and that many pictures still share the first axis, and
    nothing tells in which order: (pictures * heads, queries, keys).
    """

    name: str
    layer: int
    weights: Tensor
    pictures: int | None = None


class AttentionRecorder(TorchFunctionMode):
    """Stands in front of torch's attention functions while the network runs, and writes the weights down."""

    def __init__(self, wanted: frozenset[int] | None, image: Any) -> None:
        super().__init__()
        self.wanted, self.image = wanted, first_tensor(image)
        self.full_products = cache(multiplies_in_full)  # tried once a device and pass
        self.kept: list[Kept] = []
        self.seen = 0  # attention layers so far, kept or not
        self.running: list[Part] = []  # modules in whose forward we are, outermost first
        self.layouts: list[PictureTokens] = []  # of finished modules that tell where their tokens lie
        self.made: list[
            tuple[int, Tensor]
        ] = []  # softmaxes not yet multiplied with values, and how deep they were made
        self.products = Products()

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is FUSED:
            return self._fused(*args, **kwargs)
        if func is OWN_BLOCK:
            with self._inside_torch(args[0] if args else kwargs["query"], args, kwargs):
                return func(*args, **kwargs)
        if func in PRODUCT:
            return self._product(func, args, kwargs)
        result = func(*args, **kwargs)
        self.products.follow(func, args, kwargs, result)
        if func in SOFTMAX and result.ndim >= 3:
            self.made.append((len(self.running), rows_of(result, args, kwargs)))
        return result

    def enter(self, part: Part) -> None:
        """A module begins."""
        self.running.append(part)

    def leave(self, layout: PictureTokens | None) -> None:
        """The innermost module ends. A softmax made in it may still be used by the module around it, not later."""
        self.running.pop()
        self.made = [(depth, rows) for depth, rows in self.made if depth <= len(self.running) + 1]
        if layout is not None:
            self.layouts.append(layout)

    def _fused(self, *args: Any, **kwargs: Any) -> Tensor:
        if not self._is_wanted():
            return FUSED(*args, **kwargs)
        output, weights = attend(self.full_products, *args, **kwargs)
        self._keep(weights)
        return output

    def _product(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """A product of weights and values is a layer; any other may make scores, or the sums of linear attention."""
        factors = list(tensors_in((*args, *kwargs.values())))
        if any(map(self.products.sums, factors)):
            for factor, length in summed_axes(func, args, kwargs):
                if length == self.products.sums(factor):
                    raise self._linear()
        found = read_product(func, args, kwargs, [rows for _, rows in self.made]) if self.made else None
        if found is None:
            result = func(*args, **kwargs)
            if not any(map(is_weight, factors)):
                self.products.add(result)
            return result
        number, factor, weights = found
        del self.made[number]
        compares = factor in self.products
        sums = self._attend(weights, compares or not any(other in self.products for other in factors))
        result = func(*args, **kwargs)
        if not compares:
            self.products.add(result, sums)
        return result

    def _attend(self, weights: Tensor | None, over_tokens: bool) -> int:
        """Keep a layer in the open when it is wanted. Returns how many rows of weights were kept."""
        if not self._is_wanted():
            return 0
        if not over_tokens:
            raise self._linear()
        if weights is None:
            raise NoMap(
                f"{self._where()} changes its weights between the softmax and the values (as talking heads do), so "
                "they are no shares of the values and there is no map to show"
            )
        self._keep(weights)
        return weights.shape[-2]

    def _linear(self) -> NoMap:
        return NoMap(
            f"{self._where()} takes a softmax of queries or keys alone and sums over channels (linear attention, "
            "lambda layers), so no token attends to another and there is no map over the picture"
        )

    @contextmanager
    def _inside_torch(self, query: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[None]:
        """Torch's own block calls torch by the module's names, where no function mode stands: so we stand there."""
        pictures = 1 if query.ndim == 2 else query.shape[1]  # (N, B, D) here, whatever the module was given

        def softmax(*args: Any, **kwargs: Any) -> Tensor:
            result = OWN_SOFTMAX(*args, **kwargs)
            if self._is_wanted():
                self._keep(rows_of(result, args, kwargs).unflatten(0, (pictures, -1)))
            return result

        F.scaled_dot_product_attention, F.softmax = self._fused, softmax
        try:
            yield
        finally:
            F.scaled_dot_product_attention, F.softmax = FUSED, OWN_SOFTMAX

    def _is_wanted(self) -> bool:
        self.seen += 1
        return self.wanted is None or self.seen - 1 in self.wanted

    def _where(self) -> str:
        return self.running[-1].name or "the model"

    def _keep(self, weights: Tensor) -> None:
        name, given = self.running[-1]
        weights, pictures = sort_axes(weights, given, self.image, self._where())
        self.kept.append(Kept(name, self.seen - 1, weights, pictures))


def first_tensor(value: Any) -> Any:
    """The tensor in what a network is given: of visual tokens the tokens, of a dict its first tensor."""
    if is_visual_tokens(value):
        return value.tokens
    if isinstance(value, Mapping):
        return next((part for part in value.values() if isinstance(part, Tensor)), value)
    return value


def follow(model: nn.Module, recorder: AttentionRecorder) -> list[RemovableHandle]:
    """Tell the recorder, through hooks, which module is running. Returns the handles that take the hooks off."""

    def enter(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            given = (first_tensor(value) for value in (*args, *kwargs.values()))
            recorder.enter(Part(name, next((v for v in given if isinstance(v, Tensor) and v.ndim in (3, 4)), None)))

        return hook

    def leave(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            recorder.leave(layout_of(name, module, (*args, *kwargs.values()), output))

        return hook

    handles = []
    for name, module in named_parts(model):
        if name == "" or _may_attend(module):
            handles += [
                module.register_forward_pre_hook(enter(name), with_kwargs=True),
                module.register_forward_hook(leave(name), with_kwargs=True),
            ]
    return handles


def _may_attend(module: nn.Module) -> bool:
    """One of torch's own layers, a linear one or a norm, never attends, nor does what is made from one."""
    kinds = type(module).__mro__
    return bool(module._modules) or not any(
        kind.__module__.startswith("torch.nn.modules.") for kind in kinds[: kinds.index(nn.Module)]
    )
