"""Real vision-language systems as a checked table: which encoder and connector, how many tokens, and who says so.

The facts stand in systems.json; this file only reads them, refuses what is incomplete, and writes the short version of
any pair of encoder and connector with the parts of this course.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

from vlmteach.language import N_, _

FAMILIES = ("cnn", "hybrid", "vit")
# A paper by arXiv id and place in it, with the version where versions number their sections differently; or a file of
# a public repository and, if need be, a name inside it.
LOCATOR = re.compile(
    r"^(?:\d{4}\.\d{4,5}(?:v\d+)?, (?:abstract|(?:section|figure|table|appendix) [\w.]+)"
    r"|[\w.-]+/[\w.-]+:[\w./-]+( \w+)?)$"
)
ARXIV = re.compile(r"^\d{4}\.\d{4,5}$")


@dataclass(frozen=True)
class Row:
    """One kind of encoder. family: "cnn", "hybrid" or "vit"; names: what its code imports; code: makes `encoder`."""

    key: str
    family: str
    title: str
    explains: str
    names: tuple[str, ...]
    code: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """One kind of connector. code: makes `out` from `visual` and `text`; needs_grid: joins neighbouring cells."""

    key: str
    title: str
    explains: str
    names: tuple[str, ...]
    code: tuple[str, ...]
    needs_grid: bool


@dataclass(frozen=True)
class System:
    """One published system. tokens: how many visual tokens meet the words: one number, or (least, most).

    sources: at least one locator: an arXiv id with a place in the paper, or repository:path.
    """

    name: str
    year: int
    arxiv: str | None
    row: str
    column: str
    encoder: str
    output: str
    tokens: tuple[int, ...]
    connector: str
    frozen: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class SystemsTable:
    """Rows are encoders, columns are connectors, and systems lie in cells."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    systems: tuple[System, ...]

    def at(self, row: str, column: str) -> tuple[System, ...]:
        """The systems of one cell, oldest first."""
        found = [system for system in self.systems if (system.row, system.column) == (row, column)]
        return tuple(sorted(found, key=lambda system: (system.year, system.name)))

    def refusal(self, row: Row, column: Column) -> str:
        """Why this pair cannot work; empty for every pair that can."""
        if column.needs_grid and not row.key.endswith(("grid", "patches")):
            return N_("Regions and single vectors have no neighbours that could be joined.")
        return ""

    def short_version(self, row: Row, column: Column) -> str:
        """The pair as at most ten lines of code with the parts of this course; running them prints the shapes.

        Raises ValueError for a pair that cannot work.
        """
        if self.refusal(row, column):
            raise ValueError(f"{row.title} with {column.title}: {self.refusal(row, column)}")
        body = [*row.code, f"visual = encoder(image{', boxes' * ('boxes' in row.code[0])})", *column.code]
        lines = ["import torch"]
        if any("nn." in line for line in body):
            lines.append("from torch import nn")
        lines.append(f"from vlmteach.nn import {', '.join(sorted({*row.names, *column.names}))}")
        lines.append("image, text = torch.rand(2, 3, 64, 96), torch.randn(2, 5, 32)  # two pictures, five words each")
        lines += body
        lines.append('print(visual.tokens.shape[1], "visual tokens ->", tuple(out.shape))')
        return "\n".join(lines)

    def as_view(self) -> dict[str, Any]:
        """The table as plain lists and strings in the language in use, as vlmteach.views.SystemsView shows it."""
        return {
            "rows": [{"title": _(row.title), "family": row.family, "explains": _(row.explains)} for row in self.rows],
            "columns": [{"title": _(column.title), "explains": _(column.explains)} for column in self.columns],
            "cells": [[self._cell(row, column) for column in self.columns] for row in self.rows],
        }

    def _cell(self, row: Row, column: Column) -> dict[str, Any]:
        refusal = self.refusal(row, column)
        return {
            "systems": [_as_view(system) for system in self.at(row.key, column.key)],
            "refusal": _(refusal),
            "code": "" if refusal else self.short_version(row, column),
        }


@cache
def load_systems() -> SystemsTable:
    """The course's table. Raises ValueError, naming the system and the field, when an entry is incomplete."""
    text = (resources.files("vlmteach.course") / "systems.json").read_text(encoding="utf-8")
    return read_systems(json.loads(text))


def read_systems(data: dict[str, Any]) -> SystemsTable:
    """Check a table and make it. Raises ValueError for the first entry that is incomplete or without a source."""
    rows = tuple(_make(Row, entry) for entry in data["rows"])
    columns = tuple(_make(Column, entry) for entry in data["columns"])
    systems = tuple(_make(System, entry) for entry in data["systems"])
    for row in rows:
        if row.family not in FAMILIES:
            raise ValueError(f"row {row.title!r} has the family {row.family!r}; expected one of {', '.join(FAMILIES)}.")
    for system in systems:
        _check(system, {row.key for row in rows}, {column.key for column in columns})
    names = [system.name for system in systems]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} stands in the table twice; expected every system once.")
    return SystemsTable(rows, columns, systems)


def _make(kind: Any, entry: dict[str, Any]) -> Any:
    expected, given = {field.name for field in fields(kind)}, set(entry)
    if expected != given:
        name = entry.get("name") or entry.get("title") or "an entry"
        raise ValueError(
            f"{name}: missing {sorted(expected - given)}, unknown {sorted(given - expected)}; "
            f"expected exactly {sorted(expected)}."
        )
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})


def _check(system: System, rows: set[str], columns: set[str]) -> None:
    for field in ("name", "encoder", "output", "connector", "frozen"):
        if not getattr(system, field).strip():
            raise ValueError(f"{system.name or 'a system'}: {field} is empty; expected a few words.")
    if system.row not in rows or system.column not in columns:
        raise ValueError(f"{system.name}: there is no cell {system.row!r}, {system.column!r} in the table.")
    if not 2010 <= system.year <= 2100:
        raise ValueError(f"{system.name}: year is {system.year}; expected the year it was published.")
    if system.arxiv is not None and not ARXIV.match(system.arxiv):
        raise ValueError(
            f"{system.name}: {system.arxiv!r} is no arXiv id such as 2103.00020; null where there is none."
        )
    if (
        len(system.tokens) not in (1, 2)
        or any(count < 1 for count in system.tokens)
        or list(system.tokens) != sorted(system.tokens)
    ):
        raise ValueError(f"{system.name}: tokens is {system.tokens}; expected [n] or [least, most].")
    if not system.sources:
        raise ValueError(f"{system.name}: no source; expected at least one place where a reader can check it.")
    for source in system.sources:
        if not LOCATOR.match(source):
            raise ValueError(
                f"{system.name}: {source!r} is no locator; expected '2103.00020, section 2' or 'owner/repository:path'."
            )


def _as_view(system: System) -> dict[str, Any]:
    least, most = system.tokens[0], system.tokens[-1]
    tokens = str(least) if len(system.tokens) == 1 else _("{least} to {most}", least=least, most=most)
    return {
        "name": system.name,
        "year": system.year,
        "facts": [
            [_("encoder"), _(system.encoder)],
            [_("gives"), _(system.output)],
            [_("visual tokens that meet the words"), tokens],
            [_("connector"), _(system.connector)],
            [_("frozen"), _(system.frozen)],
            [_("paper"), f"arXiv {system.arxiv}" if system.arxiv else _("none")],
            [_("checked in"), "; ".join(system.sources)],
        ],
    }
