"""What one step of a model makes of what its inputs see: by the rule of its operation, or simply computed."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation, WrongPicture
from vlmteach.probes.receptive_field.field import (
    Blank,
    Cause,
    Field,
    Opaque,
    Parts,
    Pooled,
    Value,
    find_values,
    has_opaque,
)
from vlmteach.probes.receptive_field.intervals import WrongSize
from vlmteach.probes.receptive_field.rules import find_rule
from vlmteach.probes.receptive_field.rules.elementwise import merge_elementwise
from vlmteach.probes.receptive_field.rules.layout import FACTS, SHAPE_QUESTIONS
from vlmteach.probes.receptive_field.rules.registry import class_of, full_name

Modules = Mapping[str, nn.Module]
_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}  # torch knows some arguments by numpy's names too


def work_out(node: fx.Node, order: int, args: Any, kwargs: Any, modules: Modules, path: str) -> Any:
    """The value of one node of the graph.

    order: its place in the graph. args, kwargs: the values of what it is given. modules: each by its path. path: the
    module in whose forward the node was made.
    Raises UnsupportedOperation and WrongPicture with the node's operation and place.
    """
    inputs = find_values((args, kwargs))
    try:
        if not inputs:
            return _calculate(node, args, kwargs, modules)
        return _locate(_apply(node, args, kwargs, inputs, modules), order, lambda: _place(node, modules, path))
    except UnsupportedOperation as refusal:
        raise UnsupportedOperation(
            f"Node {node.name!r} ({_describe(node, modules, path)}) cannot be followed: {refusal}. Teach it with "
            "vlmteach.probes.register_rule, or ask for the part of the model before it."
        ) from None
    except WrongSize as refusal:
        raise WrongPicture(
            f"The model cannot take a picture of this input_size: at node {node.name!r} "
            f"({_describe(node, modules, path)}) {refusal}."
        ) from None


def _calculate(node: fx.Node, args: Any, kwargs: Any, modules: Modules) -> Any:
    """What does not depend on the picture is simply computed, unless a size in it is unknown."""
    if node.target is operator.getitem and not isinstance(args[0], Opaque) and not has_opaque(args[1]):
        return args[0][args[1]]
    if node.target in (operator.eq, operator.ne):
        return _compare(args[0], args[1], node.target is operator.eq)
    if node.target is operator.add and all(isinstance(part, (tuple, list)) for part in args):
        return args[0] + args[1]  # parts of shapes
    if has_opaque((args, kwargs)):
        return Blank(*args) if node.target in (torch.zeros, torch.ones, torch.empty) else Opaque()
    if node.op == "call_module":
        return modules[str(node.target)](*args, **kwargs)
    if node.op == "call_method":
        return getattr(args[0], str(node.target))(*args[1:], **kwargs)
    assert callable(node.target)
    try:
        return node.target(*args, **kwargs)
    except AssertionError as refusal:  # the model checks the size of its picture
        raise WrongSize(str(refusal) or "an assertion fails") from None


def _compare(one: Any, two: Any, equal: bool) -> Any:
    """Whether two values are equal, or differ; of shapes this may be known although a number in them is not."""
    if not has_opaque((one, two)):
        return one == two if equal else one != two
    if one is two or (isinstance(one, tuple) and one == two):
        return equal
    if isinstance(one, tuple) and isinstance(two, tuple):
        pairs = [pair for pair in zip(one, two, strict=False) if not has_opaque(pair)]
        if len(one) != len(two) or any(a != b for a, b in pairs):
            return not equal
    return Opaque()


def _apply(node: fx.Node, args: Any, kwargs: Any, inputs: list[Value], modules: Modules) -> Any:
    """What an operation makes of the windows of its inputs, by its rule."""
    if "input" in kwargs and not args:  # as in F.interpolate(input=x, scale_factor=2)
        args, kwargs = (kwargs["input"],), {name: value for name, value in kwargs.items() if name != "input"}
    kwargs = {_NUMPY_NAMES.get(name, name): value for name, value in kwargs.items()}
    operation, arguments = _operation(node, args, modules)
    rule = find_rule(operation)
    if rule in FACTS:
        return rule(*arguments, **kwargs)
    if rule in SHAPE_QUESTIONS and isinstance(args[0], Pooled):
        return Opaque()
    if not any(isinstance(value, Field) for value in inputs):
        return merge_elementwise(inputs)  # without positions there is nothing left to lose, whatever the operation
    if rule is None:
        raise UnsupportedOperation("there is no rule for it, and guessing would give a wrong field")
    if rule is not merge_elementwise and args and isinstance(args[0], Pooled):
        return args[0]
    try:
        return rule(*arguments, **kwargs)
    except TypeError as problem:
        if _fits(rule, arguments, kwargs):
            raise
        raise UnsupportedOperation(f"its rule does not know how it is called here ({problem})") from None


def _fits(rule: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether a rule can be called like this at all; slow, so it is asked only after a call has failed."""
    try:
        inspect.signature(rule).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _operation(node: fx.Node, args: Any, modules: Modules) -> tuple[Any, Any]:
    """What the rules call an operation, and what its rule is called with."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        return class_of(module), (module, *args)
    if node.op == "call_method":
        return f"Tensor.{node.target}", args
    if node.target is getattr:
        return f"Tensor.{args[1]}", args[:1]
    return node.target, args


def _locate(result: Any, order: int, place: Callable[[], str]) -> Any:
    """Write into a new cause which node it was."""
    if isinstance(result, (tuple, list)):
        return tuple(_locate(part, order, place) for part in result)
    if isinstance(result, Parts):
        return Parts(_locate(result.part, order, place), result.count)
    if not isinstance(result, (Field, Pooled)) or result.cause is None or result.cause.order >= 0:
        return result
    return replace(result, cause=Cause(f"{result.cause.text} at {place()}", order))


def _place(node: fx.Node, modules: Modules, path: str) -> str:
    """A node's module path and the class of the module that it belongs to."""
    if node.op == "call_module":
        path = str(node.target)
        return f"{path} (in {type(modules[path.rpartition('.')[0]]).__name__})"
    return f"{path or node.name} (in {type(modules[path]).__name__})"


def _describe(node: fx.Node, modules: Modules, path: str) -> str:
    """A node's operation in words, with the place where it is called."""
    if node.op == "call_module":
        return f"{class_of(modules[str(node.target)]).__name__} {node.target!r}"
    function = _operation(node, node.args, modules)[0]
    return f"{full_name(function)} in {_place(node, modules, path)}"
