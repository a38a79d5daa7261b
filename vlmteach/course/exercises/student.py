"""A student's function: called on copies of its inputs, however its arguments are named, and its errors located."""

from __future__ import annotations

import ast
import contextlib
import copy
import dis
import functools
import inspect
import linecache
import sysconfig
import textwrap
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import vlmteach
from vlmteach.course.exercises.exercise import NotAttempted, Raised, Wrong, told
from vlmteach.course.exercises.reading import FEW, kind_of, listed
from vlmteach.course.exercises.ruled_out import RuledOut
from vlmteach.language import _


class Student:
    """What a student gave as the function, ready to be called with the arguments `names`.

    changed: the arguments that a call has written into, by name. ruled_out: what the function may not use.
    Raises Wrong for anything that is no function, or that cannot be called with these arguments.
    """

    def __init__(self, answer: object, names: Sequence[str], ruled_out: RuledOut | None = None) -> None:
        if isinstance(answer, type):
            raise Wrong(_("You gave the class {name}. Give an object of it: {name}().", name=answer.__name__))
        if not callable(answer):
            raise Wrong(
                _(
                    "You gave {kind}. Give the function itself, without calling it: its name alone, without brackets.",
                    kind=kind_of(answer),
                )
            )
        self.function: Callable[..., Any] = answer
        self.names = tuple(names)
        self.ruled_out = ruled_out or contextlib.nullcontext()
        self.changed: dict[str, None] = {}
        self._by_name = _takes_names(answer, self.names)

    def __call__(self, *inputs: object) -> Any:
        """Call the function on copies of these inputs. Raises Raised, Wrong or NotAttempted in place of its errors."""
        given = copy.deepcopy(inputs)
        result = self.call(*given)
        self.changed |= {
            name: None for name, before, after in zip(self.names, inputs, given, strict=True) if not same(before, after)
        }
        return result

    def call(self, *inputs: object) -> Any:
        """Call the function on the inputs themselves, which it may change. Raises as above."""
        with warnings.catch_warnings(), self.ruled_out:
            warnings.simplefilter("always")  # Exercise.check records them
            try:
                if self._by_name:
                    return self.function(**dict(zip(self.names, inputs, strict=True)))
                return self.function(*inputs)
            except (Exception, SystemExit) as error:
                raise self._located(error, inputs) from error

    def inputs_told(self, inputs: Sequence[object]) -> str:
        """The inputs in words: "grid of shape (2, 3, 4, 5), stride = 16"."""
        few = all(value.numel() <= FEW for value in inputs if isinstance(value, Tensor))
        return ", ".join(_input_told(name, value, few) for name, value in zip(self.names, inputs, strict=True))

    def _located(self, error: BaseException, inputs: Sequence[object]) -> Exception:
        """The verdict on an error: which line of the student's cell raised, and for which input."""
        code, last = _code_of(self.function), _last_step(error)
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if code and frame.filename == code.co_filename and not _is_library(code)]
        if not own:
            return Raised(_("For {inputs}: {error}", inputs=self.inputs_told(inputs), error=told(error)))
        number = own[-1].lineno or 0
        line = linecache.getline(own[-1].filename, number).strip()
        if isinstance(error, NotImplementedError) and own[-1] == frames[-1] and _is_raise(last):
            if _is_stub(last.tb_frame.f_code):
                return NotAttempted()
            return Wrong(
                _(
                    "You wrote code, and line {number} of your cell still raises NotImplementedError: "
                    "remove the line `raise NotImplementedError(…)`.",
                    number=number,
                )
            )
        where = _("line {number} of your cell", number=number) + (f", `{line}`" if line else "")
        return Raised(
            _("In {where}, for {inputs}: {error}", where=where, inputs=self.inputs_told(inputs), error=told(error))
        )


def same(one: object, other: object) -> bool:
    """Whether == holds between two things, for arrays and tensors too, and in lists: between all of their numbers."""
    if type(one) is not type(other):
        return bool(one == other)
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _takes_names(function: Callable[..., Any], names: Sequence[str]) -> bool:
    """Whether the arguments go in by name: when they are the function's own in another order, or there is no other way.

    Raises Wrong when the function cannot be called with these arguments at all.
    """
    try:
        signature = inspect.signature(function.forward if isinstance(function, nn.Module) else function)
    except (TypeError, ValueError):  # some built-in functions do not say what they take
        return False
    by_place, by_name = _binds(signature, *names), _binds(signature, **dict.fromkeys(names))
    if not by_place and not by_name:
        raise Wrong(
            _(
                "Your function takes {signature}; it is called with ({names}).",
                signature=signature,
                names=", ".join(names),
            )
        )
    own = list(signature.parameters)
    return by_name and (not by_place or (own != list(names) and sorted(own) == sorted(names)))


def _binds(signature: inspect.Signature, *places: object, **names: object) -> bool:
    try:
        signature.bind(*places, **names)
    except TypeError:
        return False
    return True


def _input_told(name: str, value: object, few: bool) -> str:
    if isinstance(value, Tensor):
        numbers = f" = {listed(value)}" if few else ""
        return _("{name} of shape {shape}", name=f"{name}{numbers}", shape=tuple(value.shape))
    if isinstance(value, nn.Module):
        return f"{name} = {type(value).__name__}(…)"
    if isinstance(value, dict) and any(isinstance(part, Tensor) for part in value.values()):
        return _("{name} of {count} tensors", name=name, count=len(value))
    return f"{name} = {value!r}"


def _code_of(function: Any) -> CodeType | None:
    """The code that a call runs: of a function, a partial, a method, a module or any object with __call__."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, nn.Module):
        function = function.forward
    if not hasattr(function, "__code__") and not inspect.ismethod(function):
        function = type(function).__call__
    return getattr(inspect.unwrap(function), "__code__", None)


def _is_library(code: CodeType) -> bool:
    """Whether it is Python's own code, an installed package's or this one's, and so no student's."""
    paths = sysconfig.get_paths()
    folders = [paths["stdlib"], paths["purelib"], paths["platlib"], *vlmteach.__path__]
    return any(Path(code.co_filename).is_relative_to(folder) for folder in folders)


def _last_step(error: BaseException) -> TracebackType:
    """Where in the code an error came up at last."""
    step = error.__traceback__
    assert step is not None  # it was caught
    while step.tb_next is not None:
        step = step.tb_next
    return step


def _is_raise(step: TracebackType) -> bool:
    """Whether it is a `raise` that raised there: torch, too, raises NotImplementedError, and in the student's line."""
    return step.tb_frame.f_code.co_code[step.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _is_stub(code: CodeType) -> bool:
    """Whether a function does nothing but raise NotImplementedError, its docstring aside."""
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(code))).body
    except (OSError, SyntaxError, ValueError):  # no source at hand: what the code names is all there is
        return code.co_names == ("NotImplementedError",) and code.co_nlocals == code.co_argcount
    body = getattr(function, "body", [])
    first_is_docstring = bool(body) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return [type(statement) for statement in body[first_is_docstring:]] == [ast.Raise]
