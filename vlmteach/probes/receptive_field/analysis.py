"""receptive_field: walk once through a model and say for every node what its units see."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from vlmteach.probes.network import unwrap
from vlmteach.probes.receptive_field.containers import flatten
from vlmteach.probes.receptive_field.field import Field, Pooled
from vlmteach.probes.receptive_field.result import ReceptiveField, ReceptiveFields, make_result
from vlmteach.probes.receptive_field.tracing import FieldTracer, trace

_SEEN = (Field, Pooled)


def receptive_field(model: nn.Module, input_size: tuple[int, int] | None = None) -> ReceptiveFields:
    """The receptive field of every node of a CNN, exactly and without a forward pass.

    model: takes one picture (B, C, H, W); any module that torch.fx can trace, a submodule included (its fields are then
        counted in units of its own input). It is described as it works in eval mode, whatever its mode is now, without
        the hooks of other tools, and inside nn.DataParallel or torch.compile.
    input_size: (height, width) of the picture. Needed where the answer depends on it: adaptive pooling to more than one
        cell, interpolation to a given size, padding worked out from the size, branches of different strides. Without it
        those nodes have reach "unknown", and code that decides by the size cannot be followed.
    Returns {name: ReceptiveField}: names of torch.fx nodes, and module paths such as "layer4" (see ReceptiveFields).
    Raises UntraceableModel when torch.fx cannot follow the model's code, UnsupportedOperation for an operation without
    a rule (register_rule adds one) and for hooks that may change values, TypeError and ValueError for wrong arguments.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is of type {type(model).__name__}; expected a torch.nn.Module.")
    size = _require_size(input_size)
    tracer = trace(model, Field.of_picture(*(size or (None, None))))
    fields: dict[str, ReceptiveField] = {}
    made: dict[int, ReceptiveField] = {}  # many nodes share one value: a relu sees exactly what its input saw
    keys: dict[fx.Node, list[str]] = {}
    for node, value in tracer.values.items():
        named = flatten(value, _SEEN, node.name)
        if node.op == "output" and isinstance(value, dict):  # parts of the model's output, by names like "[out]"
            named = {
                f"output{part}": seen for name, one in value.items() for part, seen in flatten(one, _SEEN, name).items()
            }
        for key, seen in named.items():
            if id(seen) not in made:
                made[id(seen)] = make_result(seen, size)
            fields[key] = made[id(seen)]
        keys[node] = list(named)
    root = unwrap(model)
    wrapper = next(path for path, module in model.named_modules() if module is root)
    return ReceptiveFields(fields, _module_paths(tracer, keys), tracer.modules, wrapper)


def _module_paths(tracer: FieldTracer, keys: dict[fx.Node, list[str]]) -> dict[str, dict[str, str]]:
    """For the name of each module's call the keys of what it returned, by the names of its parts."""
    paths = {"output": {key: key for node, found in keys.items() if node.op == "output" for key in found}}
    paths |= {
        name: {part + key.removeprefix(node.name): key for part, node in returned.items() for key in keys.get(node, ())}
        for name, returned in tracer.returned.items()
    }
    for path, module in reversed(tracer.modules.items()):  # inner modules first
        if path not in paths and isinstance(module, nn.Sequential) and len(module):
            # A model may call a Sequential's modules one by one, as for gradient checkpointing.
            last = f"{path}.{list(module._modules)[-1]}"
            if last in paths:
                paths[path] = {path + part.removeprefix(last): key for part, key in paths[last].items()}
    return paths


def _require_size(input_size: Any) -> tuple[int, int] | None:
    if input_size is None:
        return None
    numbers = tuple(input_size) if isinstance(input_size, (tuple, list)) else (input_size,)
    if len(numbers) != 2 or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise ValueError(
            f"input_size is {input_size!r}; expected (height, width) in pixels, two whole numbers above 0."
        )
    return numbers[0], numbers[1]
