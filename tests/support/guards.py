"""How many lines of nn are formula, and how many guard it: `python tests/support/guards.py` prints it file by file.

A guard is an `if` that raises, a `raise`, a call of a check_* function, the body of one, and a __post_init__. Imports,
docstrings, comments and empty lines are neither; all else is formula.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

NN = Path(__file__).parents[2] / "vlmteach" / "nn"


class Count(NamedTuple):
    """Lines of code of one file."""

    formula: int
    guard: int


def count(text: str) -> Count:
    """Count a module's lines."""
    guard: set[int] = set()
    neither: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)) or _is_docstring(node):
            neither |= _lines(node)
        elif _is_guard(node):
            guard |= _lines(node)
    lines = enumerate(text.splitlines(), start=1)
    code = {number for number, line in lines if line.strip() and not line.lstrip().startswith("#")} - neither
    return Count(len(code - guard), len(code & guard))


def _lines(node: ast.AST) -> set[int]:
    assert isinstance(node, (ast.stmt, ast.expr))
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name.lstrip("_").startswith("check_") or node.name == "__post_init__"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return name.lstrip("_").startswith("check_")
    raises = isinstance(node, ast.If) and any(isinstance(statement, ast.Raise) for statement in node.body)
    return raises or isinstance(node, ast.Raise)


def counts() -> dict[str, Count]:
    """Of every file of nn, by its path in it."""
    files = sorted(path for path in NN.rglob("*.py") if path.name != "__init__.py")
    return {path.relative_to(NN).as_posix(): count(path.read_text("utf-8")) for path in files}


def main() -> None:
    """Print the table."""
    found = counts()
    total = Count(sum(each.formula for each in found.values()), sum(each.guard for each in found.values()))
    print(f"{'':34}formula  guard  guard / formula")
    for name, each in [*found.items(), ("all of nn", total)]:
        print(f"{name:34}{each.formula:7}{each.guard:7}{each.guard / max(each.formula, 1):11.2f}")


if __name__ == "__main__":
    main()
