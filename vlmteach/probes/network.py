"""A network as people have it: out of what wraps it, refused when it cannot be measured, run as it was written."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.parameter import is_lazy


def unwrap(model: nn.Module) -> nn.Module:
    """The network inside nn.DataParallel, DistributedDataParallel and what torch.compile returns, however nested."""
    while _is_shell(model):
        model = next(model.children())
    return model


def plain_network(model: Any) -> nn.Module:
    """The network itself: a compiled one, or one spread over devices, is only a shell around it.

    Raises TypeError for what is no module, ValueError for TorchScript, into which hooks cannot see, and for lazy layers
    that have no weights yet.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"the model is a {type(model).__name__}; expected an nn.Module, such as timm.create_model makes."
        )
    model = unwrap(model)
    if isinstance(model, torch.jit.ScriptModule):
        raise ValueError(
            "the model is TorchScript, into which hooks cannot see; pass the module that it was scripted or traced "
            "from."
        )
    refuse_lazy(model)
    return model


def refuse_lazy(model: nn.Module) -> None:
    """Raise ValueError when a weight has no shape yet: the first picture would draw it, and a probe must not."""
    for place, module in model.named_modules():
        own = module._parameters | module._buffers  # their public names take four times as long
        lazy = next((name for name, weight in own.items() if is_lazy(weight)), None)
        if lazy is not None:
            raise ValueError(
                f"{place}{place and '.'}{lazy} has no shape yet (a lazy layer), so there is nothing to measure; run "
                "the model once on a picture of your size first: model(image)."
            )


def named_parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules of a network and their names, as in named_modules() before anything was compiled or parametrised.

    What computes a weight (weight norm, spectral norm) is no part through which a picture passes.
    """
    for name, module in model.named_modules():
        path = name.split(".")
        if "parametrizations" not in path and not _is_compiled(module):
            yield ".".join(part for part in path if part != "_orig_mod"), module


def in_training(model: nn.Module) -> bool:
    """Is any part of the network in training mode? A shell's own mode does nothing."""
    return any(module.training for module in model.modules()) and any(
        module.training for _, module in named_parts(model) if not _is_shell(module)
    )


def has_compiled_parts(model: nn.Module) -> bool:
    """Was any module in it compiled, by torch.compile(part) or part.compile()?"""
    return any(_is_compiled(module) or module._compiled_call_impl is not None for module in model.modules())


def _is_shell(module: nn.Module) -> bool:
    return _is_compiled(module) or isinstance(module, nn.DataParallel | DistributedDataParallel)


def _is_compiled(module: nn.Module) -> bool:
    return "_orig_mod" in module._modules  # what torch.compile(model) returns; its class is slow to import


@contextmanager
def as_written() -> Iterator[None]:
    """Run compiled code as the Python that it was compiled from, where hooks and function modes see every step."""
    if "torch._dynamo" not in sys.modules:  # nothing can be compiled yet, and importing it takes seconds
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


@contextmanager
def reading() -> Iterator[None]:
    """Only forward: no gradients, and ordinary tensors as results, also within torch.inference_mode()."""
    with torch.inference_mode(False), torch.no_grad(), as_written():
        yield


def in_full(values: Tensor) -> Tensor:
    """Half-precision numbers as float32, so that what a probe computes of them is not rounded again."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def own_copy(value: Any) -> Any:
    """What a network may write on: many normalise a picture, or begin with a ReLU, in place."""
    return value.clone() if isinstance(value, Tensor) else value


def only_tensor(output: Any) -> Tensor | None:
    """The tensor that a module returned, also when it is alone in a tuple, list or dict; None when it is not one."""
    parts = output.values() if isinstance(output, Mapping) else output
    if isinstance(parts, Tensor):
        return parts
    try:
        tensors = [part for part in parts if isinstance(part, Tensor)]
    except TypeError:
        return None
    return tensors[0] if len(tensors) == 1 else None


def in_words(output: Any) -> str:
    """What a module returned, for a sentence: a shape, or the shapes of its parts by name."""
    if isinstance(output, Tensor):
        return f"shape {tuple(output.shape)}"
    if isinstance(output, Mapping):
        return f"a {type(output).__name__} of {', '.join(f'{k!r}: {in_words(v)}' for k, v in output.items())}"
    if isinstance(output, list | tuple):
        return f"a {type(output).__name__} of {len(output)}: {', '.join(map(in_words, output[:4]))}"
    return type(output).__name__
