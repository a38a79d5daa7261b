"""Every lesson, run from an installed wheel in an empty folder, with its exercises answered in every way."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import build_lessons
import pytest
from filelock import FileLock
from nbformat import NotebookNode
from support.lesson_run import LessonRun, kernel, tagged

from vlmteach.course import LESSONS, Lesson
from vlmteach.course.exercises import Exercise

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture(scope="session")
def wheel_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that holds the installed wheel and nothing else; built once, however many workers there are."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = shared / "wheel"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
            build = ["wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--wheel-dir", str(shared)]
            subprocess.run([*pip, *build], check=True, cwd=shared)
            (wheel,) = shared.glob("vlmteach-*.whl")
            subprocess.run([*pip, "install", "--no-deps", "--target", str(folder), str(wheel)], check=True)
    return folder


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
