"""A lesson's code cells, and which names they take from each other."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator, Sequence

import build_lessons

from vlmteach.course import Lesson


def code_cells(lesson: Lesson) -> list[str]:
    """The source of each code cell, the bootstrap first."""
    return [cell.source for cell in build_lessons.read_source(lesson).cells if cell.cell_type == "code"]


def names_of(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell makes, and those that it needs from before. The bodies of its functions do not count."""
    symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    makes = {name.get_name() for name in symbols if name.is_assigned() or name.is_imported()}
    uses = {name.get_name() for name in symbols if name.is_referenced()}
    return makes, {name for name in uses - makes if not hasattr(builtins, name)}


def contested(cells: Sequence[str]) -> set[str]:
    """Names that one cell needs and several others make, or that a later cell changes: run again, a cell breaks.

    What the bodies of functions need counts. A name made under `if` or `except` replaces a choice and does not count.
    """
    made = [names_of(_unconditional(cell))[0] for cell in cells]
    needed = set().union(*((names_of(cell)[1] | _needed_by_functions(cell)) - names_of(cell)[0] for cell in cells))
    several = {name for name in needed if sum(name in makes for makes in made) > 1}
    changed = {name for number, cell in enumerate(cells) for name in _changed(cell) & set().union(*made[:number])}
    return several | changed


def _needed_by_functions(source: str) -> set[str]:
    def walk(table: symtable.SymbolTable) -> Iterator[str]:
        for inner in table.get_children():
            yield from (name.get_name() for name in inner.get_symbols() if name.is_global() and name.is_referenced())
            yield from walk(inner)

    return {name for name in walk(symtable.symtable(source, "cell", "exec")) if not hasattr(builtins, name)}


def _unconditional(source: str) -> str:
    """The cell without what it does only in some cases."""
    kept: list[ast.stmt] = []
    for node in ast.parse(source).body:
        kept += node.body if isinstance(node, ast.Try) else [] if isinstance(node, ast.If) else [node]
    return ast.unparse(ast.Module(kept, []))


def _changed(source: str) -> set[str]:
    """Names that a cell changes by `+=` and the like before it makes them itself."""
    made, changed = set(), set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            changed |= {node.target.id} - made
        made |= names_of(ast.unparse(node))[0]
    return changed
