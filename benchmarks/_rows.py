"""One row of the table: a tool at a job, its ratio to the job's yardstick, and the bound, where we keep one."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from benchmarks._interleaved import time_in_turn

OURS = "vlmteach"  # how the names of our own tools begin
TIMES = ("ms", "s")  # the machine decides these, so a missed bound on one of them is shown but fails nothing


@dataclass(frozen=True)
class Bound:
    """A promise about a row's ratio or amount: at most the limit, or at least."""

    limit: float
    of: Literal["ratio", "amount"] = "ratio"
    side: Literal["at most", "at least"] = "at most"

    def holds(self, value: float) -> bool:
        """Whether a measured value keeps it."""
        return value <= self.limit if self.side == "at most" else value >= self.limit


@dataclass(frozen=True)
class Row:
    """A tool at a job. ratio: to the yardstick, the row with ratio 1. amount: what was measured, in its unit.

    Both are None when the tool refuses; the note says why.
    detail: whether the row is only printed and kept in results.json, not shown in RESULTS.md.
    """

    job: str
    tool: str
    ratio: float | None
    amount: float | None
    unit: str = "ms"
    note: str = ""
    bound: Bound | None = None
    detail: bool = False

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Row:
        """The row that dataclasses.asdict turned into JSON values."""
        return cls(**{**row, "bound": row["bound"] and Bound(**row["bound"])})

    @property
    def verdict(self) -> str:
        """Whether the bound is held, in words; empty without a bound."""
        if self.bound is None:
            return ""
        unit = "" if self.bound.of == "ratio" else f" {self.unit}"
        return f"{self.bound.side} {number(self.bound.limit)}{unit}: {'MISSED' if self.missed else 'held'}"

    @property
    def missed(self) -> bool:
        """Whether there is a bound that does not hold."""
        if self.bound is None:
            return False
        value = getattr(self, self.bound.of)
        return value is None or not self.bound.holds(value)

    @property
    def fails(self) -> bool:
        """Whether a missed bound fails the whole command: ratios and bytes do, times never."""
        return self.missed and self.bound is not None and (self.bound.of == "ratio" or self.unit not in TIMES)


Tool = tuple[Callable[[], object], str]  # a call to time, and what its answer holds


def number(value: float) -> str:
    """Three significant digits, and from 0.0001 on no exponent: 0.0123, 1.23, 12.3, 1,234."""
    if value == 0 or abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:#.3g}"


def load(module: str, package: str) -> ModuleType | str:
    """Another tool, or the sentence why it is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        return f"cannot be imported ({problem}); `make bench` installs {package}"


def timed_rows(
    job: str, tools: Mapping[str, Tool | str], rounds: int, yardstick: str, bounds: Mapping[str, Bound] | None = None
) -> list[Row]:
    """Time the tools in turn; the ratio is the median over the rounds of (tool / yardstick of the same round).

    tools: a call with a note, or the sentence that the tool refuses with. bounds: by the tool's name.
    """
    calls = {name: tool[0] for name, tool in tools.items() if not isinstance(tool, str)}
    seconds = time_in_turn(calls, rounds)
    rows = []
    for name, tool in tools.items():
        bound = (bounds or {}).get(name)
        if isinstance(tool, str):
            rows.append(Row(job, name, None, None, note=tool, bound=bound))
            continue
        ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds[yardstick], strict=True))
        rows.append(Row(job, name, ratio, 1000 * statistics.median(seconds[name]), note=tool[1], bound=bound))
    return rows
