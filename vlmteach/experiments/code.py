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
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any


def code_of(module: str) -> dict[str, str]:
    """The code of the runs that a module makes: {module of its package: SHA-256 of its syntax tree}, sorted by name.

    Raises ValueError for a module that does not exist, ModuleNotFoundError when grimp is not installed.
    """
    return {name: tree_hash(_source(name)) for name in closure(module)}


def digest(code: Mapping[str, str]) -> str:
    """One SHA-256 for the code of a record."""
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()


def closure(module: str) -> list[str]:
    """The module and all of its package that it needs, sorted. Errors as in code_of."""
    if _file(module) is None:
        raise ValueError(f"there is no module {module!r} whose code could be hashed.")
    graph = _without_faces(module.partition(".")[0])
    return sorted({module} | graph.find_upstream_modules(module))


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
def _without_faces(package: str) -> Any:
    """A package's import graph, each name that comes through a face imported from where it is defined."""
    try:
        import grimp  # here: only recording and the tests need it
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "which code a record depends on is found by grimp, which is not installed. "
            "Install what recording needs: pip install 'vlmteach[record]'"
        ) from None
    graph = grimp.build_graph(package, cache_dir=None)
    faces = {module for module in graph.modules if _is_face(module)}
    for face in faces:
        for importer in graph.find_modules_that_directly_import(face) - faces:
            if (names := _names_taken(importer, face)) is not None:
                graph.remove_import(importer=importer, imported=face)
                for definer in {_definer(face, name) for name in names} & graph.modules:  # others are not ours
                    graph.add_import(importer=importer, imported=definer)
    return graph


def _is_face(module: str) -> bool:
    """Whether it is a package's __init__ that only imports and lists names."""
    return _is_package(module) and all(
        isinstance(statement, (ast.Import, ast.ImportFrom))
        or (isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == ["__all__"])
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
                ours = source.partition(".")[0] == face.partition(".")[0]
                return _definer(source, original) if ours and _is_face(source) else source
    submodule = f"{face}.{name}"
    return face if _file(submodule) is None else submodule


def _from_imports(statement: ast.AST, module: str) -> Iterator[tuple[str, str, str]]:
    """(module, name there, name here) of a `from … import …`, also of a relative one."""
    if isinstance(statement, ast.ImportFrom):
        package = module if _is_package(module) else module.rpartition(".")[0]
        source = resolve_name("." * statement.level + (statement.module or ""), package)
        for alias in statement.names:
            yield source, alias.name, alias.asname or alias.name


def _is_package(module: str) -> bool:
    file = _file(module)
    return file is not None and file.name == "__init__.py"


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_source(module))


def _source(module: str) -> str:
    file = _file(module)
    return "" if file is None else file.read_text(encoding="utf-8")


def _file(module: str) -> Path | None:
    """The file of a module, found without importing anything; None when there is none."""
    package, *rest = module.split(".")
    spec = find_spec(package)
    if spec is None or spec.origin is None or spec.submodule_search_locations is None:
        return None
    path = Path(spec.origin).parent.joinpath(*rest)
    files = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((file for file in files if file.is_file()), None)
