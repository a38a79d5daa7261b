"""Walk through a model's own code with torch.fx, and work out what each step sees while it is walked.

Because the value of a step is known at once, the code may look at sizes: with a known picture `x.shape[2] % 2` is a
number, as it is when the model runs.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import fx, nn

from vlmteach.probes.eval_mode import eval_mode
from vlmteach.probes.network import unwrap
from vlmteach.probes.receptive_field.containers import flatten, parts_of
from vlmteach.probes.receptive_field.errors import UnsupportedOperation, UntraceableModel, WrongPicture
from vlmteach.probes.receptive_field.field import Field, Opaque, Parts, Pooled
from vlmteach.probes.receptive_field.hooks import require_watchers
from vlmteach.probes.receptive_field.rules import has_rule
from vlmteach.probes.receptive_field.rules.registry import class_of
from vlmteach.probes.receptive_field.steps import work_out


class Step(fx.Proxy):
    """What a model's code is given in the place of a tensor or a number; a known number can be used as one."""

    tracer: FieldTracer

    def __getattr__(self, k: str) -> Attribute:
        return Attribute(self, k)

    def _number(self) -> Any:
        value = self.tracer.known(self)
        if isinstance(value, (Field, Pooled, Parts, Opaque)):
            self.tracer.to_bool(self)  # says that it cannot be used as a number
        return value

    def __index__(self) -> int:
        return self._number().__index__()

    def __int__(self) -> int:
        return int(self._number())

    def __float__(self) -> float:
        return float(self._number())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._number(), digits)

    def __len__(self) -> int:
        return len(self._number())


class Attribute(fx.proxy.Attribute, Step):
    """The same for an attribute, which becomes a step only when it is used."""


class FieldTracer(fx.Tracer):
    """A tracer that knows the value of every step, whose step it is, and where tracing failed.

    picture: the field of the model's first argument. values: for each node of the graph what it holds.
    returned: for the name of each module's call the nodes that it returned, a container's parts by their names.
    What fx.Tracer keeps for other uses (a copy of the stack of modules for each node) would take longer than the
    interval arithmetic itself, so it is left out.
    """

    traced_func_name = "__call__"  # the model is called like any of its modules, so its own forward may be anything

    def __init__(self, picture: Field) -> None:
        super().__init__()
        self.picture = picture
        self.values: dict[fx.Node, Any] = {}
        self.returned: dict[str, dict[str, fx.Node]] = {}
        self.modules: dict[str, nn.Module] = {}
        self.like = torch.empty(0)
        self.path = ""
        self.failed_in: str | None = None
        self.refusal: ValueError | None = None
        self._plain = False

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> tuple[Any, list[Any]]:
        """The first argument of forward is the picture; the others keep their defaults."""
        assert self.submodule_paths is not None
        self.modules = {path: module for module, path in self.submodule_paths.items()}
        self.like = next((p for p in self.root.parameters() if p.is_floating_point()), self.like)
        names = [*inspect.signature(self.root.forward).parameters, "x"]
        picture = self.create_proxy("placeholder", names[0], (), {})

        def call(root: nn.Module, x: Step) -> Any:
            output = root(x)
            return output if isinstance(output, fx.Proxy) else flatten(output, fx.Proxy)

        return call, [self.root, picture]

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """A module with a rule of its own is one step, and so are torch's own unless their forward was exchanged."""
        if "forward" in vars(m):
            return False
        kind = class_of(m)
        if has_rule(kind):
            return True
        torchs_own = kind.__module__.startswith(("torch.nn.", "torch.ao.nn."))
        return torchs_own and not isinstance(m, nn.Sequential)

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Trace one call of a module, past its hooks and wrappers, and keep its name for what came out."""
        if self._plain:
            return m.forward(*args, **kwargs)
        outer, path = self.path, self.path_of_module(m)
        self.path = path
        inner = unwrap(m)
        try:
            require_watchers(m, path)
            if inner is not m:
                output = inner(*args, **kwargs)
            elif self.is_leaf_module(m, path):
                name = None if path else type(m).__name__.lower()
                output = self.create_proxy("call_module", path, args, kwargs, name)
            else:
                output = m.forward(*args, **kwargs)
        except UnsupportedOperation as refusal:
            self._refuse(refusal)
        except Exception:
            self.failed_in = self.failed_in or path
            raise
        finally:
            self.path = outer
        name, call = path, 0
        while name in self.returned:
            call += 1
            name = f"{path}_{call}"
        self.returned[name] = {part: step.node for part, step in flatten(output, fx.Proxy, name).items()}
        return output

    def create_node(
        self, kind: str, target: Any, args: Any, kwargs: Any, name: Any = None, type_expr: Any = None
    ) -> fx.Node:
        """A node of the graph, and its value."""
        node = self.graph.create_node(kind, target, args, kwargs, name, type_expr)
        try:
            with self._plainly():
                self.values[node] = self._value(node)
        except (UnsupportedOperation, WrongPicture) as refusal:
            self._refuse(refusal)
        return node

    def _value(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return self.picture
        if node.op == "get_attr":
            return attrgetter(str(node.target))(self.root)
        args = fx.map_arg(node.args, self.values.__getitem__)
        kwargs = fx.map_arg(node.kwargs, self.values.__getitem__)
        if node.op == "output":
            return args[0]
        if node.target is getattr and args[1] in ("device", "dtype") and isinstance(args[0], (Field, Pooled)):
            return getattr(self.like, args[1])  # a picture has those of the model
        return work_out(node, len(self.values), args, kwargs, self.modules, self.path)

    def _refuse(self, refusal: ValueError) -> NoReturn:
        """Stop; the model's own code may catch the error and go on, so it is kept."""
        self.refusal = self.refusal or refusal
        raise refusal

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Inside, modules that are called and attributes that are read are no part of the graph."""
        outer, self._plain = self._plain, True
        try:
            yield
        finally:
            self._plain = outer

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """A parameter that the model's code asks for is a step; one that a rule asks for is itself."""
        return attr_val if self._plain else super().getattr(attr, attr_val, parameter_proxy_cache)

    def proxy(self, node: fx.Node) -> Step:
        """What the model's code gets in the place of a value."""
        return Step(node, self)

    def known(self, step: fx.Proxy) -> Any:
        """The value of a step."""
        return self.values[step.node]

    def to_bool(self, obj: fx.Proxy) -> bool:
        """Python code that decides by a value: possible when the value is known."""
        value = self.known(obj)
        return super().to_bool(obj) if isinstance(value, (Field, Pooled, Parts, Opaque)) else bool(value)

    def iter(self, obj: Any) -> Iterator[Any]:
        """Python code that loops over a value: possible when its length is known."""
        value = self.known(obj)
        count = value.count if isinstance(value, Parts) else len(value) if isinstance(value, (tuple, list)) else None
        return super().iter(obj) if count is None else iter([obj[i] for i in range(count)])

    def create_arg(self, a: Any) -> Any:
        """What a call is given; the usual kinds are short cuts past fx's long list of rare ones."""
        if isinstance(a, fx.Proxy):
            return a.node
        kind = type(a)
        if kind is tuple or kind is list:
            return kind([self.create_arg(part) for part in a])
        if kind in _PLAIN:
            return a
        parts = None if isinstance(a, torch.Size) else parts_of(a)
        return super().create_arg(a) if parts is None else {key: self.create_arg(part) for key, part in parts}


_PLAIN = frozenset({int, float, bool, str, type(None)})


def trace(model: nn.Module, picture: Field) -> FieldTracer:
    """Trace a model as it works in eval mode, and leave it as it was.

    Raises UntraceableModel with the module and the line where torch.fx could not follow, UnsupportedOperation for an
    operation without a rule, ValueError when the model cannot take such a picture.
    """
    tracer, root = FieldTracer(picture), unwrap(model)
    try:
        _require_one_picture(root)
        require_watchers(model, "")
        with _attributes_kept(model), eval_mode(model), torch.no_grad():
            tracer.trace(root)
    except Exception as problem:
        refusal = tracer.refusal or (problem if isinstance(problem, UnsupportedOperation) else None)
        if refusal is not None:
            raise refusal.with_traceback(None) from None  # the way through torch.fx tells nothing
        raise _explain(root, tracer, problem) from problem
    return tracer


@contextmanager
def _attributes_kept(model: nn.Module) -> Iterator[None]:
    """Afterwards every module has the attributes it had: a forward may keep something, and torch.fx keeps constants."""
    kept = [(vars(module), vars(module).copy()) for module in model.modules()]
    inside = [
        (value, value.copy()) for _, values in kept for value in values.values() if isinstance(value, (dict, list, set))
    ]
    try:
        yield
    finally:
        for now, before in [*kept, *inside]:
            if isinstance(now, list):
                now[:] = before
            else:
                now.clear()
                now.update(before)


def _require_one_picture(model: nn.Module) -> None:
    parameters = list(inspect.signature(model.forward).parameters.values())[1:]
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    required = [p.name for p in parameters if p.kind in kinds and p.default is p.empty]
    if required:
        raise TypeError(f"forward also needs {', '.join(required)}; only a single picture can be followed")


def _explain(model: nn.Module, tracer: FieldTracer, problem: Exception) -> ValueError:
    where = f"module {tracer.failed_in!r}" if tracer.failed_in else f"the forward of {type(model).__name__}"
    torch_home, own = Path(torch.__file__).parent.as_posix(), Path(__file__).parent.as_posix()
    frames = [
        frame
        for frame in traceback.extract_tb(problem.__traceback__)
        if not Path(frame.filename).as_posix().startswith((torch_home, own))
    ]
    if frames:
        where += f", {Path(frames[-1].filename).name} line {frames[-1].lineno}: {frames[-1].line}"
    sized = not isinstance(tracer.picture.sizes[-1], Opaque)
    if sized and isinstance(problem, (AssertionError, ValueError)) and not isinstance(problem, fx.proxy.TraceError):
        return WrongPicture(f"The model cannot take a picture of this input_size: {problem} (in {where}).")
    remedy = "" if sized else "pass input_size=(height, width), which makes sizes known, "
    return UntraceableModel(
        f"torch.fx cannot follow {type(model).__name__}: {problem} (in {where}). Python code that looks at the numbers "
        f"or the size of a picture cannot be traced: {remedy}ask for a submodule, "
        "or register_rule for the module that does it."
    )
