"""Which module of a network gives the grid: found by sending a grey picture through."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vlmteach.probes.eval_mode import eval_mode
from vlmteach.probes.grids import require_channels_first
from vlmteach.probes.network import in_words, named_parts, only_tensor, reading

PROBE_SIDE = 224  # pixels of the picture that is sent through
FLAT = torch.full((PROBE_SIDE,), 0.5)
ADAPTIVE_POOLS = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


def check_node(model: nn.Module, node: str) -> None:
    """Raise ValueError, with near names, when the model has no module of this name."""
    names = [name for name, _ in named_parts(model) if name]
    if node not in names:
        near = difflib.get_close_matches(node, names, n=3, cutoff=0.4) or names[-3:]
        raise ValueError(f"the model has no module {node!r}; did you mean {', '.join(map(repr, near))}?")


def _own_weights(module: nn.Module) -> list[Tensor]:
    """A module's weights without those of its parts; weight norm and spectral norm keep them one level deeper."""
    own: list[Tensor] = list(module.parameters(recurse=False))
    if "parametrizations" in module._modules:
        own += module.get_submodule("parametrizations").parameters()
    return own


class _Held(NamedTuple):
    """Which numbers a tensor holds: their place, and how often they were written on."""

    place: int
    shape: torch.Size
    writes: int

    @classmethod
    def of(cls, tensor: Tensor) -> _Held:
        return cls(tensor.data_ptr(), tensor.shape, tensor._version)


@dataclass
class Walk:
    """What one picture met on its way through a model.

    outputs: what each module returned, in words, and shapes: its shape where it is one tensor, in the order they
    finished. passed_on: those that returned what they were given, as Dropout does in eval mode. mixing: the last layer
    that mixes channels by weights of its own, and normed: does a norm, or another scale, come after it? answer: of the
    whole model.
    """

    outputs: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, torch.Size] = field(default_factory=dict)
    passed_on: set[str] = field(default_factory=set)
    mixing: str | None = None
    normed: bool = False
    answer: Tensor | None = None

    def finish(self, name: str, module: nn.Module, given: _Held | None, output: Any) -> None:
        """Write down one module, and what it was given."""
        self.outputs[name] = in_words(output)
        tensor = only_tensor(output)
        own = _own_weights(module)
        inside = [part for part, _ in named_parts(module) if part]
        if not inside and any(weight.ndim > 1 for weight in own):
            self.mixing, self.normed = name, False
        elif any(weight.squeeze().ndim <= 1 for weight in own):
            self.normed = True
        if tensor is None:
            return
        self.shapes[name] = tensor.shape
        if given == _Held.of(tensor):
            self.passed_on.add(name)


def walk_through(model: nn.Module) -> Walk:
    """Send one grey picture through in eval mode, and note what every module did with it."""
    walk = Walk()
    given: dict[str, _Held] = {}

    def enter(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if inputs and isinstance(inputs[0], Tensor):
                given[name] = _Held.of(inputs[0])

        return hook

    def leave(name: str) -> Callable[..., None]:
        return lambda module, inputs, output: walk.finish(name, module, given.pop(name, None), output)

    hooks = []
    for name, module in named_parts(model):
        # pools that bring every picture to one size hide the network's own grid
        if name and not isinstance(module, ADAPTIVE_POOLS):
            hooks += [module.register_forward_pre_hook(enter(name)), module.register_forward_hook(leave(name))]
    try:
        walk.answer = _answer(model, FLAT)
    finally:
        for hook in hooks:
            hook.remove()
    return walk


def _answer(model: nn.Module, columns: Tensor) -> Tensor | None:
    """What a model says to a picture whose columns have these values, when it is one tensor."""
    with eval_mode(model), reading():  # eval mode: a probe must not move BatchNorm's running averages
        output = model(_picture(model, columns))
    return only_tensor(getattr(output, "logits", output))


def _picture(model: nn.Module, columns: Tensor) -> Tensor:
    like = next(model.parameters(), torch.zeros(()))
    return columns.to(like).expand(1, 3, PROBE_SIDE, PROBE_SIDE).clone()


def _is_grid(shape: torch.Size) -> bool:
    # a square picture gives a square grid, so (1, 7, 7, 768) is seen to have its channels last; check_grid is thorough
    return len(shape) == 4 and shape[2] == shape[3] and shape[2] > 1


def last_grid(model: nn.Module, walk: Walk) -> str:
    """The last module that makes a grid, before the layer that answers. Raises ValueError when there is none."""
    last = ""
    tokens_after = ""
    answering = _answering(model, walk)
    for name, shape in walk.shapes.items():
        if name == answering:
            break
        if _is_grid(shape) and name not in walk.passed_on:
            last, tokens_after = name, ""
        elif len(shape) == 3 and not tokens_after:
            tokens_after = name
    if tokens_after:
        raise ValueError(
            f"this model works on tokens, not on a grid (from {tokens_after!r} on its outputs are (B, N, D)): it looks "
            "like a Vision Transformer. Use vit_from_timm, or name a node whose output is a grid."
        )
    if not last:
        raise ValueError("no module of this model gives a grid (B, C, H, W) larger than 1 x 1; expected a CNN.")
    return last


def _answering(model: nn.Module, walk: Walk) -> str | None:
    """The convolution that gives the answer, cell by cell, before it is pooled or resized; None without one.

    It is the last layer that mixes channels; its channels are the numbers of the answer; no norm comes after it, as one
    does after features; and the picture reaches the answer through it alone, not past it by a shortcut. What a network
    without a classifier ends with fits this too when it is a bare convolution: timm's say so themselves, by
    num_classes = 0, and of any other the node can be named.
    """
    name, answer = walk.mixing, walk.answer
    if name is None or walk.normed or answer is None or getattr(model, "num_classes", None) == 0:
        return None
    shape = walk.shapes.get(name)
    if shape is None or not _is_grid(shape) or answer.ndim < 2 or answer.shape[1] != shape[1]:
        return None
    if (answer.shape[2:].numel() != 1 and answer.shape[2] != PROBE_SIDE) or shape[2] == PROBE_SIDE:
        return None  # a grid of its own, not one answer for the picture, or one resized to its pixels

    def silence(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return torch.zeros_like(output)

    hook = model.get_submodule(name).register_forward_hook(silence)
    try:
        flat, ramp = (_answer(model, columns) for columns in (FLAT, torch.linspace(0, 1, PROBE_SIDE)))
    finally:
        hook.remove()
    return name if flat is not None and ramp is not None and torch.equal(flat, ramp) else None


def check_grid(model: nn.Module, node: str, walk: Walk) -> tuple[int, int]:
    """The channels of a node's grid, and its side for a square picture of PROBE_SIDE."""
    shape = walk.shapes.get(node)
    if shape is None:
        returned = (
            f"it returned {walk.outputs[node]}"
            if node in walk.outputs
            else ("it was not run, as under gradient checkpointing, or pools every picture to one size")
        )
        raise ValueError(
            f"module {node!r} gives no feature map of the network's own size ({returned}); expected a module whose "
            "output is (B, C, H, W)."
        )
    if not _is_grid(shape):
        raise ValueError(
            f"module {node!r} gives shape {tuple(shape)} for a {PROBE_SIDE} x {PROBE_SIDE} picture; "
            "expected a grid (B, C, H, W) with H = W > 1. Choose an earlier module, or one with its channels second."
        )
    require_channels_first(model, {node: shape}, _picture(model, FLAT))
    return shape[1], shape[2]
