"""From a model to its graph: torch.fx, with an eye on which module returned what, and on where it fails."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn

from vlmteach.probes.eval_mode import eval_mode
from vlmteach.probes.receptive_field.errors import UntraceableModel
from vlmteach.probes.receptive_field.rules import has_rule


class PathTracer(fx.Tracer):
    """A tracer that remembers the node each module returned, and the innermost module in which tracing failed."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, str] = {}
        self.failed_in: str | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """A module with a rule of its own is one step, like torch's own modules."""
        return has_rule(type(m)) or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Trace one call of a module and keep its name for what came out."""
        path = self.path_of_module(m)
        try:
            output = super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed_in = self.failed_in or path
            raise
        if isinstance(output, fx.Proxy):
            name, call = path, 0
            while name in self.outputs:
                call += 1
                name = f"{path}_{call}"
            self.outputs[name] = output.node.name
        return output


def trace(model: nn.Module) -> tuple[fx.Graph, dict[str, str]]:
    """The model's graph in eval mode, and the node that each module's call returned.

    Raises UntraceableModel with the module and the line where torch.fx could not follow.
    """
    tracer = PathTracer()
    try:
        with eval_mode(model):
            graph = tracer.trace(model, concrete_args=_defaults(model))
    except Exception as problem:
        raise UntraceableModel(_explain(model, tracer, problem)) from problem
    return graph, tracer.outputs


def _defaults(model: nn.Module) -> dict[str, Any] | None:
    """Only the first argument of forward is the picture; the others keep their defaults."""
    parameters = list(inspect.signature(model.forward).parameters.values())[1:]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    required = [p.name for p in named if p.default is p.empty]
    if required:
        raise TypeError(f"forward also needs {', '.join(required)}; only a single picture can be followed")
    return {p.name: p.default for p in named} or None


def _explain(model: nn.Module, tracer: PathTracer, problem: Exception) -> str:
    where = f"module {tracer.failed_in!r}" if tracer.failed_in else f"the forward of {type(model).__name__}"
    torch_home = str(Path(torch.__file__).parent)
    own = Path(__file__).parent.as_posix()
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if not f.filename.startswith((torch_home, own))]
    if frames:
        where += f", {Path(frames[-1].filename).name} line {frames[-1].lineno}: {frames[-1].line}"
    return (
        f"torch.fx cannot follow {type(model).__name__}: {problem} (in {where}). Python code that looks at the numbers "
        "or the size of a picture cannot be traced: ask for a submodule, or register_rule for the module that does it."
    )
