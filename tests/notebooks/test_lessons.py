"""Every lesson, run from an installed wheel in an empty folder, with its exercises answered, right and wrong."""

from __future__ import annotations

import importlib
from pathlib import Path

import build_lessons
import pytest
from nbformat import NotebookNode
from support.answers import exercises_of
from support.lesson_run import LessonRun, kernel, tagged
from support.variants import Variants

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
        run_with_solutions(run, notebook, answers, checks, exercises, variants)
        for number, variant in variants.items():
            check = notebook.cells[checks[number]].source
            phrase, mistake = variant.mistakes()[0]  # tests/course/test_exercise_answers.py tries them all
            assert_verdict(run, notebook.cells[answers[number]].source, check, "Not attempted.")
            assert_verdict(run, variant.right[0], check, ("Right.", "Noted."))
            assert phrase in assert_verdict(run, mistake, check, ("Wrong.", "Raised."))
        shown = int(run.run(SWEEP))
        assert shown > 0 or "explore(" not in "".join(cell.source for cell in notebook.cells)


def run_with_solutions(
    run: LessonRun,
    notebook: NotebookNode,
    answers: dict[str, int],
    checks: dict[str, int],
    exercises: dict[str, Exercise],
    variants: dict[str, Variants],
) -> None:
    solved = {index: exercises[number].answer or variants[number].right[0] for number, index in answers.items()}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        shown = run.run(solved.get(index, cell.source))
        if index in checks.values():
            assert shown.strip().splitlines()[-1].startswith(("Right.", "Noted.")), shown


def assert_verdict(run: LessonRun, answer: str, check: str, expected: str | tuple[str, ...]) -> str:
    run.run(answer)
    verdict = run.run(check).strip().splitlines()[-1]
    assert verdict.startswith(expected), f"expected {expected}, got: {verdict}\nfor the answer:\n{answer}"
    return verdict
