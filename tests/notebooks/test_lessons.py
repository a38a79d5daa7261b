"""Every lesson, run from an installed wheel in an empty folder, with its exercises answered in every way."""

from __future__ import annotations

import importlib
from pathlib import Path

import build_lessons
import pytest
from nbformat import NotebookNode
from support.lesson_run import LessonRun, kernel, tagged

from vlmteach.course import LESSONS, Lesson
from vlmteach.course.exercises import Exercise

SWEEP = """
import gc
from vlmteach.views import Explorer, alt_text, figure_html
positions = 0
for explorer in [thing for thing in gc.get_objects() if type(thing) is Explorer]:
    for position in explorer.positions():
        alt_text(explorer.draw(**position))
        positions += 1
    figure_html(explorer.draw(**position))
print(positions)
"""


def exercises_of(lesson: Lesson) -> dict[str, Exercise]:
    module = importlib.import_module(f"vlmteach.course.exercises.lesson_{lesson.number:02d}")
    return {thing.number: thing for thing in vars(module).values() if isinstance(thing, Exercise)}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_runs_from_the_wheel_and_its_checks_tell_right_from_wrong(
    lesson: Lesson, wheel_folder: Path, tmp_path: Path
) -> None:
    variants = importlib.import_module(f"support.variants.lesson_{lesson.number:02d}").VARIANTS
    exercises = exercises_of(lesson)
    notebook = build_lessons.read_source(lesson)
    answers, checks = tagged(notebook, "exercise-"), tagged(notebook, "check-")
    assert set(answers) == set(checks) == set(exercises) == set(variants)
    with kernel(tmp_path, wheel_folder) as run:
        assert str(wheel_folder) in run.run("import vlmteach; print(vlmteach.__file__)")
        run_with_solutions(run, notebook, answers, checks, exercises)
        for number, variant in variants.items():
            check = notebook.cells[checks[number]].source
            assert len(variant.mistakes) >= 3
            assert_verdict(run, notebook.cells[answers[number]].source, check, "Not attempted.")
            assert_verdict(run, variant.alternative, check, "Right.")
            for phrase, mistake in variant.mistakes.items():
                verdict = assert_verdict(run, mistake, check, ("Wrong.", "Raised."))
                assert phrase in verdict, f"exercise {number}: {verdict}"
            for hint in range(len(exercises[number].hints)):
                assert exercises[number].hints[hint] not in exercises[number].answer
        shown = int(run.run(SWEEP))
        assert shown > 0 or "explore(" not in "".join(cell.source for cell in notebook.cells)


def run_with_solutions(
    run: LessonRun,
    notebook: NotebookNode,
    answers: dict[str, int],
    checks: dict[str, int],
    exercises: dict[str, Exercise],
) -> None:
    solved = {index: exercises[number].answer for number, index in answers.items()}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        shown = run.run(solved.get(index, cell.source))
        if index in checks.values():
            assert shown.strip().splitlines()[-1].startswith("Right."), shown


def assert_verdict(run: LessonRun, answer: str, check: str, expected: str | tuple[str, ...]) -> str:
    run.run(answer)
    verdict = run.run(check).strip().splitlines()[-1]
    assert verdict.startswith(expected), f"expected {expected}, got: {verdict}\nfor the answer:\n{answer}"
    return verdict
