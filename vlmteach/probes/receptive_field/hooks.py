"""Hooks that other tools left on a network: they are not run, so those that may change what it computes are refused."""

from __future__ import annotations

import contextlib
import dis
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation

Hook = Callable[..., Any]

# What `lambda module, inputs, output: kept.append(output)` hands back is None.
_HAND_BACK_NOTHING = frozenset(
    {"append", "appendleft", "add", "extend", "insert", "print", "put", "update", "__setitem__"}
)


def require_watchers(module: nn.Module, path: str) -> None:
    """Raises UnsupportedOperation when a forward hook of this module may replace its input or its output."""
    for hook in _hooks(module):
        if not only_watches(hook):
            name = getattr(hook, "__qualname__", type(hook).__qualname__)
            raise UnsupportedOperation(
                f"Module {path!r} ({type(module).__name__}) has a forward hook, {name}, that may hand back another "
                "value than the module's own, and hooks are not followed. Remove it (the handle's remove()), or let "
                "it return nothing if it only watches."
            )


def only_watches(hook: Hook) -> bool:
    """Whether a hook surely leaves the values as they are: it returns None, or what it was given.

    It is read, never called: a call could not be undone. Hooks of torch itself (weight_norm, pruning, observers)
    prepare weights or watch.
    """
    owner = getattr(hook, "__module__", None) or type(hook).__module__
    if owner.split(".")[0] == "torch":
        return True
    code = _code(hook)
    return code is not None and all(_hands_back_nothing(code, steps) for steps in _returns(code))


def _hooks(module: nn.Module) -> Iterator[Hook]:
    everywhere = torch.nn.modules.module
    for hooks in (
        everywhere._global_forward_pre_hooks,
        everywhere._global_forward_hooks,
        module._forward_pre_hooks,
        module._forward_hooks,
    ):
        yield from hooks.values()


def _code(hook: Hook) -> CodeType | None:
    """The Python code behind a function, a method, a partial or an object that can be called."""
    while hasattr(hook, "func"):  # functools.partial
        hook = hook.func
    while hasattr(hook, "__wrapped__") and _hands_on(hook):
        hook = hook.__wrapped__
    if not inspect.isroutine(hook):
        hook = type(hook).__call__
    return getattr(hook, "__code__", None)


def _hands_on(wrapper: Hook) -> bool:
    """Whether a decorator hands on what the function returns, as torch.no_grad() and contextlib's do."""
    file = Path(getattr(getattr(wrapper, "__code__", None), "co_filename", ""))
    return file.is_relative_to(Path(torch.__file__).parent) or file == Path(contextlib.__file__)


def _returns(code: CodeType) -> Iterator[tuple[dis.Instruction | None, dis.Instruction]]:
    """Each return, with the instruction before it."""
    before = None
    for step in dis.get_instructions(code):
        if step.opname in ("RETURN_VALUE", "RETURN_CONST"):
            yield before, step
        before = step


def _hands_back_nothing(code: CodeType, steps: tuple[dis.Instruction | None, dis.Instruction]) -> bool:
    before, last = steps
    if last.opname == "RETURN_CONST":
        return last.argval is None
    if before is None:
        return False
    if before.opname == "LOAD_CONST":
        return before.argval is None
    if before.opname.startswith("LOAD_FAST"):
        return before.argval == _last_argument(code) and not _reassigned(code, before.argval)
    # A lambda is one expression: if it ends with a call and names a method like append, that is what it is there for.
    called = before.opname.startswith("CALL")
    return called and code.co_name == "<lambda>" and not _HAND_BACK_NOTHING.isdisjoint(code.co_names)


def _last_argument(code: CodeType) -> str | None:
    """A forward hook's last argument is the output, a pre-hook's the inputs."""
    return code.co_varnames[code.co_argcount - 1] if code.co_argcount else None


def _reassigned(code: CodeType, name: str) -> bool:
    return any(
        step.opname.startswith("STORE_FAST")
        and name in (step.argval if isinstance(step.argval, tuple) else (step.argval,))
        for step in dis.get_instructions(code)
    )
