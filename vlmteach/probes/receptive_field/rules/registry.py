"""Where rules live: from an operation of torch to what it does to receptive fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.utils.parametrize import type_before_parametrizations

Rule = Callable[..., Any]
Operation = type[nn.Module] | Callable[..., Any] | str

_RULES: dict[Operation, Rule] = {}


def register_rule(*operations: Operation) -> Callable[[Rule], Rule]:
    """Teach receptive_field an operation: a decorator for its rule.

    operations: module classes (the module then counts as one step and is not looked into), functions, names of
    functions ("torchvision.ops.stochastic_depth.stochastic_depth") or of tensor methods ("Tensor.relu").
    The rule has the signature of what it stands for and gets a `Field` in the place of each tensor that depends on the
    picture; the rule of a module class gets the module first. It returns a Field (or a tuple of them): `field` itself
    for an operation on each position alone, `field.everywhere("why")` for one that reads all positions, and for one
    that reads neighbours `field.moved(rows, columns)`, each made by `field.rows.window(kernel, stride, padding)`.
    It raises UnsupportedOperation for what it cannot follow.

        @register_rule(torch.roll)
        def roll(field, shifts, dims):
            return field.everywhere("torch.roll")
    """
    for operation in operations:
        if not (callable(operation) or isinstance(operation, str)):
            raise TypeError(
                f"{operation!r} is no module class, function or name of one: nothing to register a rule for."
            )

    def add(rule: Rule) -> Rule:
        for operation in operations:
            _RULES[operation] = rule
        return rule

    return add


def has_rule(operation: Operation) -> bool:
    """Whether this very operation has a rule."""
    return find_rule(operation) is not None


def find_rule(operation: Operation) -> Rule | None:
    """The rule of a module class, a function (itself or by its full name) or a method ("Tensor.name")."""
    rule = _RULES.get(operation)
    return _RULES.get(full_name(operation)) if rule is None else rule


def class_of(module: nn.Module) -> type[nn.Module]:
    """The class that a module was before its weights were parametrised, or will be once it is initialised."""
    kind = type_before_parametrizations(module)
    return getattr(kind, "cls_to_become", None) or kind


def full_name(operation: Operation) -> str:
    """How an operation is called in messages and in register_rule: "torch.nn.functional.fold", "Tensor.roll"."""
    if isinstance(operation, str):
        return operation
    name = getattr(operation, "__qualname__", repr(operation)).removeprefix("_VariableFunctionsClass.")
    module = getattr(operation, "__module__", None) or "torch"  # torch's built-in functions name none
    return f"{module}.{name}"
