"""A lesson's code cells, and which names they take from each other."""

from __future__ import annotations

import builtins
import symtable

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
