"""What a lesson asks: its exercises as the built notebook holds them. Read as JSON, which is quick."""

from __future__ import annotations

import ast
import importlib
import json
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from vlmteach.course import Lesson
from vlmteach.course.exercises import Exercise

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@dataclass(frozen=True)
class Asked:
    """One exercise of a lesson.

    words: what is asked, in Markdown. stub and check: the code of the two cells. maker: what the check cell calls the
    exercise, such as "exercises.flatten"; name: what it hands over, such as "flatten_grid".
    """

    exercise: Exercise
    words: str
    stub: str
    check: str
    maker: str
    name: str

    def with_numbers(self, exercise: Exercise, maker: str, phrases: dict[str, str]) -> Asked:
        """The same with another exercise and these phrases replaced. ValueError for one that is not said."""
        words, stub, check = self.words, self.stub, self.check.replace(self.maker, maker)
        for old, new in phrases.items():
            if old not in words + stub:
                raise ValueError(
                    f"exercise {exercise.number} does not say {old!r} any more; lecture/fresh.py expects it."
                )
            words, stub, check = (text.replace(old, new) for text in (words, stub, check))
        name = _handed_over(check)[1]
        return replace(self, exercise=exercise, words=words, stub=stub, check=check, maker=maker, name=name)


def exercises_of(lesson: Lesson) -> dict[str, Exercise]:
    """The exercises of a lesson, by number."""
    module = importlib.import_module(module_of(lesson))
    return {thing.number: thing for thing in vars(module).values() if isinstance(thing, Exercise)}


def module_of(lesson: Lesson) -> str:
    """The module that holds the exercises of a lesson."""
    return f"vlmteach.course.exercises.lesson_{lesson.number:02d}"


def bootstrap_of(lesson: Lesson) -> str:
    """The code of a lesson's first cell, which finds the package or installs it."""
    return next(source for source, tags in _cells(lesson) if "bootstrap" in tags)


def read_asked(lesson: Lesson) -> dict[str, Asked]:
    """All exercises of a lesson, by number."""
    exercises, cells = exercises_of(lesson), _cells(lesson)
    checks = {tag.removeprefix("check-"): text for text, tags in cells for tag in tags if tag.startswith("check-")}
    found = {}
    for (above, _), (stub, tags) in pairwise(cells):
        for number in (tag.removeprefix("exercise-") for tag in tags if tag.startswith("exercise-")):
            words = re.sub(r"^#+ .*$", "", above, flags=re.MULTILINE).strip()
            maker, name = _handed_over(checks[number])
            found[number] = Asked(exercises[number], words, stub, checks[number], maker, name)
    return found


def _cells(lesson: Lesson) -> list[tuple[str, list[str]]]:
    notebook = json.loads((NOTEBOOKS / f"{lesson.name}.ipynb").read_text("utf-8"))
    return [("".join(cell["source"]), cell["metadata"].get("tags", [])) for cell in notebook["cells"]]


def _handed_over(check: str) -> tuple[str, str]:
    """Of exercises.….check(name): what stands before the check, and the name."""
    (found,) = [
        (ast.unparse(call.func.value), call.args[0].id)
        for call in ast.walk(ast.parse(check))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "check"
        and isinstance(call.args[0], ast.Name)
    ]
    return found
