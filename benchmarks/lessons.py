"""What running each lesson costs, as its last build measured it: seconds, the first figure, and peak memory.

    python -m benchmarks.lessons    brings results.json and RESULTS.md up to date; `make notebooks` does it

`make notebooks` writes the figures into each built notebook; on a quiet machine `make notebooks ALL=1` measures all
lessons anew. The ratio is the share of what is promised: each lesson its seconds and memory in the course's table, its
first figure in 10 seconds, all of them 9 minutes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat

from benchmarks._report import renew
from benchmarks._rows import OURS, Bound, Row
from vlmteach.course import LESSONS, Lesson
from vlmteach.course.lessons import MEMORY_MB

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
MEASURED = ("seconds", "first_figure_seconds", "peak_memory_mb")
ALL_SECONDS = 9 * 60
FIRST_FIGURE_SECONDS = 10
SHARE = "share of its bound, as built"


def as_built(lesson: Lesson) -> dict[str, float]:
    """What the last build of a lesson measured. Raises ValueError when a figure is missing."""
    built = nbformat.read(NOTEBOOKS / f"{lesson.name}.ipynb", as_version=4).metadata.get("vlmteach", {})
    missing = [name for name in MEASURED if name not in built]
    if missing:
        raise ValueError(f"{lesson.name} was built without {', '.join(missing)}; run: make notebooks ALL=1")
    return {name: built[name] for name in MEASURED}


def run() -> list[Row]:
    """The figures of all lessons; RESULTS.md shows each job's sum or worst."""
    costs = {lesson: as_built(lesson) for lesson in LESSONS}
    rows, worst = [], []
    for what, name, unit in (
        ("whole run", "seconds", "s"),
        ("first figure", "first_figure_seconds", "s"),
        ("peak memory", "peak_memory_mb", "MB"),
    ):
        few = [_row(what, lesson, cost[name], unit, _limit(lesson, name)) for lesson, cost in costs.items()]
        nearest = max(few, key=lambda row: row.ratio or 0)
        worst.append(replace(nearest, job=f"the lesson nearest to its bound: {what}", detail=False))
        rows += few
    total = sum(cost["seconds"] for cost in costs.values())
    together = Row(
        "all lessons, whole run",
        f"{OURS} all together",
        total / ALL_SECONDS,
        total,
        "s",
        SHARE,
        Bound(ALL_SECONDS, of="amount"),
    )
    return [*rows, together, *worst]


def _row(what: str, lesson: Lesson, amount: float, unit: str, limit: float) -> Row:
    tool = f"{OURS} lesson {lesson.number:02d}"
    bound = Bound(limit, of="amount")
    return Row(f"lessons, {what}", tool, amount / limit, amount, unit, SHARE, bound, detail=True)


def _limit(lesson: Lesson, name: str) -> float:
    limits = {"seconds": lesson.seconds, "peak_memory_mb": MEMORY_MB}
    return limits.get(name, FIRST_FIGURE_SECONDS)


if __name__ == "__main__":
    renew("lessons", run())
