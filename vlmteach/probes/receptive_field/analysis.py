"""receptive_field: walk once through a model's graph and say for every node what its units see."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import Cause, Field, Opaque, Parts, Pooled, Value, find_values, has_opaque
from vlmteach.probes.receptive_field.intervals import WrongSize
from vlmteach.probes.receptive_field.result import ReceptiveField, ReceptiveFields, make_result
from vlmteach.probes.receptive_field.rules import find_rule
from vlmteach.probes.receptive_field.rules.elementwise import merge_elementwise
from vlmteach.probes.receptive_field.rules.layout import SHAPE_QUESTIONS
from vlmteach.probes.receptive_field.rules.registry import full_name
from vlmteach.probes.receptive_field.tracing import Traced, trace


def receptive_field(model: nn.Module, input_size: tuple[int, int] | None = None) -> ReceptiveFields:
    """The receptive field of every node of a CNN, exactly and without a forward pass.

    model: takes one picture (B, C, H, W); any module that torch.fx can trace, a submodule included (its fields are then
        counted in units of its own input). It is described as it works in eval mode, whatever its mode is now.
    input_size: (height, width) of the picture. Needed where the answer depends on it: adaptive pooling to more than one
        cell, interpolation to a given size, branches of different strides. Without it those nodes have reach "unknown".
    Returns {name: ReceptiveField}: names of torch.fx nodes, and module paths such as "layer4" (see ReceptiveFields).
    Raises UntraceableModel when torch.fx cannot follow the model's code, UnsupportedOperation for an operation without
    a rule (register_rule adds one), TypeError and ValueError for wrong arguments.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is of type {type(model).__name__}; expected a torch.nn.Module.")
    size = _require_size(input_size)
    picture = Field.of_picture(*(size or (None, None)))
    traced = trace(model)
    values: dict[fx.Node, Any] = {}
    with torch.no_grad():
        for order, node in enumerate(traced.graph.nodes):
            values[node] = _visit(node, order, values, traced, picture)
    fields: dict[str, ReceptiveField] = {}
    made: dict[int, ReceptiveField] = {}  # many nodes share one value: a relu sees exactly what its input saw
    for node, value in values.items():
        if isinstance(value, (Field, Pooled)):
            if id(value) not in made:
                made[id(value)] = make_result(value, size)
            fields[node.name] = made[id(value)]
    return ReceptiveFields(fields, traced.outputs, traced.modules.keys() - traced.outputs.keys())


def _require_size(input_size: Any) -> tuple[int, int] | None:
    if input_size is None:
        return None
    numbers = tuple(input_size) if isinstance(input_size, (tuple, list)) else (input_size,)
    if len(numbers) != 2 or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise ValueError(
            f"input_size is {input_size!r}; expected (height, width) in pixels, two whole numbers above 0."
        )
    return numbers[0], numbers[1]


def _visit(node: fx.Node, order: int, values: dict[fx.Node, Any], traced: Traced, picture: Field) -> Any:
    """The value of one node from the values before it."""
    if node.op == "placeholder":
        return picture if order == 0 else (node.args[0] if node.args else Opaque())
    if node.op == "get_attr":
        name = str(node.target)
        return traced.constants[name] if name in traced.constants else operator.attrgetter(name)(traced.modules[""])
    args = fx.map_arg(node.args, values.__getitem__)
    kwargs = fx.map_arg(node.kwargs, values.__getitem__)
    if node.op == "output":
        return args[0]
    inputs = find_values((args, kwargs))
    try:
        if not inputs:
            return _calculate(node, args, kwargs, traced)
        return _locate(_apply(node, args, kwargs, inputs, traced), node, order, traced)
    except UnsupportedOperation as refusal:
        raise UnsupportedOperation(
            f"Node {node.name!r} ({_describe(node, traced)}) cannot be followed: {refusal}. Teach it with "
            "vlmteach.probes.register_rule, or ask for the part of the model before it."
        ) from None
    except WrongSize as refusal:
        raise ValueError(
            f"The model cannot take a picture of this input_size: at node {node.name!r} ({_describe(node, traced)}) "
            f"{refusal}."
        ) from None


def _calculate(node: fx.Node, args: Any, kwargs: Any, traced: Traced) -> Any:
    """What does not depend on the picture is simply computed, unless a size in it is unknown."""
    if node.target is operator.getitem and not isinstance(args[0], Opaque) and not has_opaque(args[1]):
        return args[0][args[1]]
    if has_opaque((args, kwargs)):
        return Opaque()
    if node.op == "call_module":
        return traced.modules[str(node.target)](*args, **kwargs)
    if node.op == "call_method":
        return getattr(args[0], str(node.target))(*args[1:], **kwargs)
    assert callable(node.target)
    try:
        return node.target(*args, **kwargs)
    except AssertionError as refusal:  # the model checks the size of its picture
        raise WrongSize(str(refusal) or "an assertion fails") from None


def _apply(node: fx.Node, args: Any, kwargs: Any, inputs: list[Value], traced: Traced) -> Any:
    """What an operation makes of the windows of its inputs, by its rule."""
    operation, arguments = _operation(node, args, traced)
    rule = find_rule(operation)
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


def _operation(node: fx.Node, args: Any, traced: Traced) -> tuple[Any, Any]:
    """What the rules call an operation, and what its rule is called with."""
    if node.op == "call_module":
        module = traced.modules[str(node.target)]
        return type(module), (module, *args)
    if node.op == "call_method":
        return f"Tensor.{node.target}", args
    if node.target is getattr:
        return f"Tensor.{args[1]}", args[:1]
    return node.target, args


def _locate(result: Any, node: fx.Node, order: int, traced: Traced) -> Any:
    """Write into a new cause which node it was."""
    if isinstance(result, (tuple, list)):
        return tuple(_locate(part, node, order, traced) for part in result)
    if isinstance(result, Parts):
        return Parts(_locate(result.part, node, order, traced))
    if not isinstance(result, (Field, Pooled)) or result.cause is None or result.cause.order >= 0:
        return result
    return replace(result, cause=Cause(f"{result.cause.text} at {_place(node, traced)}", order))


def _place(node: fx.Node, traced: Traced) -> str:
    """A node's module path and the class of the module that it belongs to."""
    if node.op == "call_module":
        path = str(node.target)
        return f"{path} (in {type(traced.modules[path.rpartition('.')[0]]).__name__})"
    path = traced.owners[node.name]
    return f"{path or node.name} (in {type(traced.modules[path]).__name__})"


def _describe(node: fx.Node, traced: Traced) -> str:
    """A node's operation in words, with the place where it is called."""
    if node.op == "call_module":
        return f"{type(traced.modules[str(node.target)]).__name__} {node.target!r}"
    function: Callable[..., Any] | str = f"Tensor.{node.target}" if node.op == "call_method" else node.target
    return f"{full_name(function)} in {_place(node, traced)}"
