"""From a model to its graph: torch.fx, with an eye on which module returned what, and on where it fails."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from vlmteach.probes.eval_mode import eval_mode
from vlmteach.probes.receptive_field.errors import UntraceableModel
from vlmteach.probes.receptive_field.rules import has_rule


class Traced(NamedTuple):
    """A traced model.

    outputs: for the name of each module's call, the node that it returned. owners: for each node, the path of the
    module in whose forward it was made. modules: every module by its path. constants: tensors made in a forward, by
    the name that get_attr nodes give them.
    """

    graph: fx.Graph
    outputs: dict[str, str]
    owners: dict[str, str]
    modules: dict[str, nn.Module]
    constants: dict[str, Any]


class PathTracer(fx.Tracer):
    """A tracer that keeps what the answer needs: whose node is whose, and where tracing failed.

    What fx.Tracer keeps for other uses (a copy of the stack of modules for each node) would take longer than the
    interval arithmetic itself, so it is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.paths: dict[nn.Module, str] = {}
        self.path = ""
        self.failed_in: str | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """A module with a rule of its own is one step, like torch's own modules."""
        return has_rule(type(m)) or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Trace one call of a module and keep its name for what came out."""
        self.paths = self.submodule_paths or self.paths  # fx forgets them when it is done
        outer, path = self.path, self.path_of_module(m)
        self.path = path
        try:
            leaf = self.is_leaf_module(m, path)
            output = self.create_proxy("call_module", path, args, kwargs) if leaf else forward(*args, **kwargs)
        except Exception:
            self.failed_in = self.failed_in or path
            raise
        finally:
            self.path = outer
        if isinstance(output, fx.Proxy):
            name, call = path, 0
            while name in self.outputs:
                call += 1
                name = f"{path}_{call}"
            self.outputs[name] = output.node.name
        return output

    def create_node(
        self, kind: str, target: Any, args: Any, kwargs: Any, name: Any = None, type_expr: Any = None
    ) -> Any:
        """A node of the graph, filed under the module in whose forward it was made."""
        node = self.graph.create_node(kind, target, args, kwargs, name, type_expr)
        self.owners[node.name] = self.path
        return node

    def create_arg(self, a: Any) -> Any:
        """What a call is given; the usual kinds are short cuts past fx's long list of rare ones."""
        if isinstance(a, fx.Proxy):
            return a.node
        kind = type(a)
        if kind is tuple or kind is list:
            return kind([self.create_arg(part) for part in a])
        if kind is dict:
            return {key: self.create_arg(part) for key, part in a.items()}
        return a if kind in _PLAIN else super().create_arg(a)


_PLAIN = frozenset({int, float, bool, str, type(None)})


def trace(model: nn.Module) -> Traced:
    """Trace a model as it works in eval mode, and leave it as it was.

    Raises UntraceableModel with the module and the line where torch.fx could not follow.
    """
    tracer, before = PathTracer(), set(vars(model))
    try:
        with eval_mode(model):
            graph = tracer.trace(model, concrete_args=_defaults(model))
    except Exception as problem:
        raise UntraceableModel(_explain(model, tracer, problem)) from problem
    finally:
        # torch.fx puts tensors that a forward makes into the model; they are no part of it.
        constants = {name: vars(model).pop(name) for name in set(vars(model)) - before}
    modules = {path: module for module, path in tracer.paths.items()} or {"": model}
    return Traced(graph, tracer.outputs, tracer.owners, modules, constants)


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
