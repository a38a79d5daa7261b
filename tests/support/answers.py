"""Answer cells of the lessons, run here as a notebook runs them, and what their check cells hand over."""

from __future__ import annotations

import ast
import importlib
import itertools
import linecache
from dataclasses import dataclass
from functools import cache
from typing import Any

import build_lessons
from support.lesson_run import tagged
from support.variants import Variants

from vlmteach.course import LESSONS, Lesson
from vlmteach.course.exercises import Exercise, Verdict

_CELL = itertools.count()


@dataclass(frozen=True)
class AnswerCell:
    """The cell of one exercise. stub: what stands in it; name: what its check cell hands over."""

    exercise: Exercise
    stub: str
    name: str

    def handed_over(self, source: str) -> Any:
        """What the check cell hands over when this stands in the answer cell."""
        return run_cell(source)[self.name]

    def check(self, source: str) -> Verdict:
        """The verdict on an answer cell."""
        return self.exercise.check(self.handed_over(source))


def exercises_of(lesson: Lesson) -> dict[str, Exercise]:
    """The exercises of a lesson, by number."""
    module = importlib.import_module(f"vlmteach.course.exercises.lesson_{lesson.number:02d}")
    return {thing.number: thing for thing in vars(module).values() if isinstance(thing, Exercise)}


def variants_of(lesson: Lesson) -> dict[str, Variants]:
    """Other answers to the exercises of a lesson, by number."""
    return importlib.import_module(f"support.variants.lesson_{lesson.number:02d}").VARIANTS


def solved_cells(lesson: Lesson) -> dict[int, str]:
    """The code cells of a lesson by their index in the notebook, each answer cell with a right answer in it."""
    notebook, exercises, variants = build_lessons.read_source(lesson), exercises_of(lesson), variants_of(lesson)
    answers = {
        index: exercises[number].answer or variants[number].right[0]
        for number, index in tagged(notebook, "exercise-").items()
    }
    cells = enumerate(notebook.cells)
    return {index: answers.get(index, cell.source) for index, cell in cells if cell.cell_type == "code"}


@cache
def answer_cells() -> dict[str, AnswerCell]:
    """All answer cells of all lessons, by the number of the exercise."""
    cells = {}
    for lesson in LESSONS:
        notebook, exercises = build_lessons.read_source(lesson), exercises_of(lesson)
        checks = tagged(notebook, "check-")
        for number, index in tagged(notebook, "exercise-").items():
            name = _handed_over(notebook.cells[checks[number]].source)
            cells[number] = AnswerCell(exercises[number], notebook.cells[index].source, name)
    return cells


def _handed_over(check: str) -> str:
    """The name in exercises.….check(name)."""
    calls = [node for node in ast.walk(ast.parse(check)) if isinstance(node, ast.Call)]
    (name,) = [call.args[0].id for call in calls if call.func.attr == "check"]
    return name


def run_cell(source: str) -> dict[str, Any]:
    """Run a cell as IPython does, which keeps its lines for tracebacks; returns the names it made."""
    name = f"<cell {next(_CELL)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    made: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, name, "exec"), made)
    return made
