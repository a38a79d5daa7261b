"""The code behind a record: what its runs import, hashed without what only people read.

The rule, in full:

1. An experiment's runs are made by one module. Its code is that module and every module of ours that it imports,
   directly or through others, also inside functions.
2. A package's `__init__` that only passes names on is a face, not code: a name imported from it is followed to the
   module that defines it. Who imports a whole face depends on everything it passes on. What Python runs merely because
   a package stands above a module does not count.
3. A module's hash is taken of its syntax tree, without docstrings, comments and layout.

Only recording and the tests compute this; reading a record needs neither this module nor grimp.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

OURS = "vlmteach"


def code_of(module: str) -> dict[str, str]:
    """The code of the runs that a module makes: {module of ours: SHA-256 of its syntax tree}, in order of the names.

    Raises ValueError for a module that does not exist, ModuleNotFoundError when grimp is not installed.
    """
    return {name: tree_hash(_source(name)) for name in closure(module)}


def digest(code: Mapping[str, str]) -> str:
    """One SHA-256 for the code of a record."""
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()


@cache
def closure(module: str) -> tuple[str, ...]:
    """The module and all of ours that it needs, sorted. Errors as in code_of."""
    _source(module)  # says that there is none before grimp does
    graph = _without_faces()
    return tuple(sorted({module} | graph.find_upstream_modules(module)))


def tree_hash(source: str) -> str:
    """SHA-256 of Python source as a syntax tree: the same for every way to comment, explain and lay out one program."""
    return hashlib.sha256(json.dumps(_plain(ast.parse(source)), ensure_ascii=False).encode()).hexdigest()


def _plain(node: Any) -> Any:
    """A syntax tree as lists. What is absent is left out: later versions of Python have more fields that may be."""
    if isinstance(node, ast.Constant):
        return ["Constant", type(node.value).__name__, repr(node.value)]
    if isinstance(node, ast.AST):
        fields = ((name, _body(node) if name == "body" else value) for name, value in ast.iter_fields(node))
        return [type(node).__name__, *([name, _plain(value)] for name, value in fields if value not in (None, []))]
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return node


def _body(node: Any) -> Any:
    """A body without its docstring."""
    documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    return node.body[1:] if documented and ast.get_docstring(node, clean=False) is not None else node.body


@cache
def _without_faces() -> Any:
    """Our import graph, each name that comes through a face imported from where it is defined."""
    try:
        import grimp  # here: only recording and the tests need it
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "which code a record depends on is found by grimp, which is not installed. "
            "Install what recording needs: pip install 'vlmteach[record]'"
        ) from None
    graph = grimp.build_graph(OURS, cache_dir=None)
    for face in filter(_is_face, graph.modules):
        for importer in graph.find_modules_that_directly_import(face):
            if not _is_face(importer) and (names := _names_taken(importer, face)) is not None:
                graph.remove_import(importer=importer, imported=face)
                for name in names:
                    graph.add_import(importer=importer, imported=_definer(face, name))
    return graph


@cache
def _is_face(module: str) -> bool:
    """Whether it is a package's __init__ that only imports and lists names."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.submodule_search_locations is None or spec.origin is None:
        return False
    return all(
        isinstance(statement, (ast.Import, ast.ImportFrom))
        or (isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__")
        for statement in _body(_tree(module))
    )


def _names_taken(importer: str, face: str) -> set[str] | None:
    """Which names a module takes from a face; None when it takes the face itself or everything in it."""
    names = set()
    for statement in ast.walk(_tree(importer)):
        if isinstance(statement, ast.Import) and any(alias.name == face for alias in statement.names):
            return None
        for source, name, _ in _from_imports(statement, importer):
            if f"{source}.{name}" == face or (source == face and name == "*"):
                return None
            if source == face:
                names.add(name)
    return names


def _definer(face: str, name: str) -> str:
    """The module that defines a name of a face: where the face itself takes the name from, or a submodule."""
    for statement in _tree(face).body:
        for source, original, alias in _from_imports(statement, face):
            if alias == name:
                return _definer(source, original) if _is_face(source) else source
    return f"{face}.{name}" if importlib.util.find_spec(f"{face}.{name}") is not None else face


def _from_imports(statement: ast.AST, module: str) -> Iterator[tuple[str, str, str]]:
    """(module, name there, name here) of a `from … import …`, also of a relative one."""
    if isinstance(statement, ast.ImportFrom):
        spec = importlib.util.find_spec(module)
        package = module if spec is not None and spec.submodule_search_locations else module.rpartition(".")[0]
        source = importlib.util.resolve_name("." * statement.level + (statement.module or ""), package)
        for alias in statement.names:
            yield source, alias.name, alias.asname or alias.name


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_source(module))


@cache
def _source(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # its package is missing
        spec = None
    if spec is None or spec.origin is None:
        raise ValueError(f"there is no module {module!r} whose code could be hashed.")
    return Path(spec.origin).read_text(encoding="utf-8")
