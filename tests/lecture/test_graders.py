"""Four students, three graders: each really runs and gives the same points. `make test-graders` installs two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from lecture.asked import read_asked
from lecture.collect import asked_of, check_all
from lecture.handin import write
from vlmteach.course import LESSONS

pytestmark = pytest.mark.graders
ROOT = Path(__file__).resolve().parents[2]
LESSON, NAME = LESSONS[1], "lesson_01"
ASKED = read_asked(LESSON)
RIGHT = {number: asked.exercise.answer for number, asked in ASKED.items()}
WARNS = (
    "def flatten_grid(grid):\n    import sys, warnings\n    warnings.warn('careful')\n"
    "    print('noise', file=sys.stderr)\n"
    "    return grid.flatten(2).transpose(1, 2)"
)
STUDENTS = {
    "right": RIGHT,
    "wrong": {
        "1.1": "def flatten_grid(grid):\n    return grid.reshape(len(grid), -1, grid.shape[1])",
        "1.2": "tokens_for_wide_picture = 12 + 20",
        "1.3": "def stride_cell(token, width, stride):\n    return 1 / 0",
    },
    "absent": {},
    "warned": RIGHT | {"1.1": WARNS},
}
POINTS = {
    "right": {"1.1": 1, "1.2": 1, "1.3": 1},
    "wrong": {"1.1": 0, "1.2": 0, "1.3": 0},
    "absent": {"1.1": 0, "1.2": 0, "1.3": 0},
    "warned": {"1.1": 1, "1.2": 1, "1.3": 1},
}


def run(folder: Path, *command: str) -> str:
    """A grader's command, with the package of this checkout in its kernels."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader calls alembic by name
    found = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path, "PYTHONPATH": found}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def filled(copy: Path, student: str) -> NotebookNode:
    """A student's copy with answers in place of the stubs."""
    notebook = nbformat.read(copy, as_version=4)
    for number, answer in STUDENTS[student].items():
        (cell,) = [cell for cell in notebook.cells if cell.source.startswith(ASKED[number].stub)]
        cell.source = answer
    return notebook


def is_a_students_copy(copy: Path) -> None:
    """It asks for the package alone, and holds no answer."""
    code = [cell.source for cell in nbformat.read(copy, as_version=4).cells if cell.cell_type == "code"]
    assert not any("otter" in source or "nbgrader" in source for source in code)
    assert not any(answer in source for source in code for answer in RIGHT.values())


def test_our_own(tmp_path: Path) -> None:
    copy = write("plain", LESSON, tmp_path / "made")
    for student in STUDENTS:
        nbformat.write(filled(copy, student), tmp_path / f"{student}.ipynb")
    results = check_all(tmp_path, asked_of(LESSON))
    points = {
        name: {number: int(each.status == "right") for number, each in of.items()} for name, of in results.items()
    }
    assert points == POINTS
    assert {each.status for each in results["absent"].values()} == {"not attempted"}
    assert "UserWarning: careful" in results["warned"]["1.1"].why


def test_nbgrader(tmp_path: Path) -> None:
    api = pytest.importorskip("nbgrader.api", exc_type=ImportError)
    write("nbgrader", LESSON, tmp_path)
    course = tmp_path / "nbgrader"
    nbgrader = [sys.executable, "-m", "nbgrader"]
    run(course, *nbgrader, "generate_assignment", NAME, "--create")
    copy = course / "release" / NAME / f"{NAME}.ipynb"
    is_a_students_copy(copy)
    for student in STUDENTS:
        handed_in = course / "submitted" / student / NAME
        handed_in.mkdir(parents=True)
        nbformat.write(filled(copy, student), handed_in / f"{NAME}.ipynb")
    run(course, *nbgrader, "autograde", NAME, "--create")
    with api.Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        points = {
            student: {
                grade.name.removeprefix("grade-").replace("-", "."): grade.score
                for grade in book.find_submission_notebook(NAME, NAME, student).grades
            }
            for student in STUDENTS
        }
    assert points == POINTS
    graded = (course / "autograded" / "wrong" / NAME / f"{NAME}.ipynb").read_text("utf-8")
    assert "This is the reshape mistake" in graded


def test_otter(tmp_path: Path) -> None:
    pytest.importorskip("otter", exc_type=ImportError)
    master = write("otter", LESSON, tmp_path)
    otter = [sys.executable, "-m", "otter"]
    run(master.parent, *otter, "assign", master.name, "dist", "--no-pdfs")  # runs the answers, which must be right
    copy = master.parent / "dist" / "student" / f"{NAME}.ipynb"
    is_a_students_copy(copy)
    (autograder,) = (master.parent / "dist" / "autograder").glob("*.zip")
    points, said = {}, {}
    for student in STUDENTS:
        folder = tmp_path / student
        folder.mkdir()
        nbformat.write(filled(copy, student), folder / f"{NAME}.ipynb")
        run(folder, *otter, "run", "-a", str(autograder), "-o", str(folder), f"{NAME}.ipynb")
        tests = json.loads((folder / "results.json").read_text("utf-8"))["tests"]
        graded = {test["name"].removeprefix("q").replace("_", "."): test for test in tests if test["name"][0] == "q"}
        points[student] = {number: test.get("score", 0) for number, test in graded.items()}
        said[student] = json.dumps(tests)
    assert points == POINTS
    assert "This is the reshape mistake" in said["wrong"]
