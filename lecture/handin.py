"""A hand-in: a short notebook of a lesson's exercises alone, which needs nothing of the lesson but the package.

    python -m lecture.handin 01                      handin/01.ipynb, for `lecture.collect` or a reader
    python -m lecture.handin 01 --form nbgrader      handin/nbgrader, a course for nbgrader with source/lesson_01
    python -m lecture.handin 01 --form otter         handin/otter/lesson_01.ipynb, a master for `otter assign`
    python -m lecture.handin 01 --secret FILE        with numbers of this class's own: see lecture/fresh.py

A student's copy needs only vlmteach in each form. The other two hold the answers until
nbgrader or otter takes them out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lecture.asked import Asked, bootstrap_of, module_of
from lecture.fresh import asked_in_class, read_secret
from vlmteach.course import Lesson, get_lesson

HANDIN = Path(__file__).resolve().parents[1] / "handin"
_SETUP = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F"
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
_CONFIGURATION = """c = get_config()
c.CourseDirectory.course_id = "vlmteach"
c.Execute.timeout = 120
c.ClearSolutions.code_stub = {"python": "# your answer goes above this line"}
"""


def handin(lesson: Lesson, secret: str = "") -> NotebookNode:
    """The notebook: set-up, then what each exercise asks, its answer cell and its check."""
    cells = _head(lesson)
    for asked in asked_in_class(lesson, secret).values():
        cells += [_prose(asked.words), _code(asked.stub, f"exercise-{asked.exercise.number}"), _check(asked)]
    return _numbered(lesson, cells)


def for_nbgrader(lesson: Lesson, secret: str = "") -> NotebookNode:
    """The source of an assignment: one point for each exercise, given by a cell that students see empty.

    Their own check stands in a cell above it, which gives no points: whatever is written to stderr in a graded cell
    counts as an error for nbgrader, so the graded one lets nothing through.
    """
    cells = _head(lesson)
    for cell, name in zip(cells, ("title", "bootstrap", "setup"), strict=True):
        _of_nbgrader(cell, name)
    package, _, module = module_of(lesson).rpartition(".")
    for number, asked in asked_in_class(lesson, secret).items():
        place = number.replace(".", "-")
        graded = (
            f"# This cell grades exercise {number} after you have handed in.\n"
            "### BEGIN HIDDEN TESTS\nimport contextlib\nimport sys\n\n"
            f"from {package} import {module} as exercises\n\n"
            f"with contextlib.redirect_stderr(sys.stdout):\n    {asked.maker}.check({asked.name}).or_raise()\n"
            "### END HIDDEN TESTS"
        )
        answer = f"### BEGIN SOLUTION\n{_solved(asked)}\n### END SOLUTION"
        cells += [
            _of_nbgrader(_prose(asked.words), f"words-{place}"),
            _of_nbgrader(_code(f"{asked.stub}\n\n{answer}", f"exercise-{number}"), f"exercise-{place}", solution=True),
            _of_nbgrader(_check(asked), f"check-{place}"),
            _of_nbgrader(_code(graded), f"grade-{place}", grade=True, points=1),
        ]
    return _numbered(lesson, cells)


def for_otter(lesson: Lesson, secret: str = "") -> NotebookNode:
    """The master of an assignment: one point for each exercise, and nothing of otter in a student's copy.

    Its tests stand in the copy's metadata, where students can read them; they hold no answer.
    """
    configuration = {"init_cell": "false", "export_cell": "false", "tests": "\n    ok_format: false"}
    cells = [_raw("# ASSIGNMENT CONFIG", configuration), *_head(lesson)]
    package, _, module = module_of(lesson).rpartition(".")
    for number, asked in asked_in_class(lesson, secret).items():
        question = f"q{number.replace('.', '_')}"
        test = (
            f'""" # BEGIN TEST CONFIG\npoints: 1\nhidden: false\n""" # END TEST CONFIG\n'
            f"def test_{question}({asked.name}):\n    from {package} import {module} as exercises\n\n"
            f"    {asked.maker}.check({asked.name}).or_raise()"
        )
        answer = f"# BEGIN SOLUTION NO PROMPT\n{_solved(asked)}\n# END SOLUTION"
        cells += [
            _raw("# BEGIN QUESTION", {"name": question, "points": "1", "check_cell": "false"}),
            _prose(asked.words),
            _raw("# BEGIN SOLUTION"),
            _code(f"{asked.stub}\n{answer}", f"exercise-{number}"),
            _raw("# END SOLUTION"),
            _raw("# BEGIN TESTS"),
            _code(test),
            _raw("# END TESTS"),
            _raw("# END QUESTION"),
            _check(asked),
        ]
    return _numbered(lesson, cells)


def _solved(asked: Asked) -> str:
    """The answer, or for an opinion the stub again: nobody can give one for others."""
    return asked.exercise.answer or asked.stub


def _head(lesson: Lesson) -> list[NotebookNode]:
    return [
        _prose(
            f"# Hand-in {lesson.number:02d} · {lesson.title}\n\nAnswer in the cells below, run each check, save, and "
            "hand this file in. You may add cells; keep the names that are asked for."
        ),
        _code(bootstrap_of(lesson), "bootstrap"),
        _code(_SETUP),
    ]


def _prose(text: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(text)


def _code(text: str, *tags: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(text, metadata={"tags": list(tags)} if tags else {})


def _check(asked: Asked) -> NotebookNode:
    return _code(asked.check, f"check-{asked.exercise.number}")


def _raw(mark: str, settings: dict[str, str] | None = None) -> NotebookNode:
    lines = [mark, *(f"{key}: {value}" for key, value in (settings or {}).items())]
    return nbformat.v4.new_raw_cell("\n".join(lines))


def _of_nbgrader(
    cell: NotebookNode, name: str, grade: bool = False, solution: bool = False, points: int = 0
) -> NotebookNode:
    marks = {"grade": grade, "solution": solution, "locked": not solution, "task": False}
    cell.metadata["nbgrader"] = marks | {"schema_version": 3, "grade_id": name} | ({"points": points} if grade else {})
    return cell


def _numbered(lesson: Lesson, cells: list[NotebookNode]) -> NotebookNode:
    for number, cell in enumerate(cells):
        cell.id = f"handin-{lesson.number:02d}-{number}"
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}})


def write(form: str, lesson: Lesson, folder: Path, secret: str = "") -> Path:
    """Write the hand-in of a lesson in one of the forms. Returns the file."""
    name = f"lesson_{lesson.number:02d}"
    make, file = {
        "plain": (handin, folder / f"{lesson.number:02d}.ipynb"),
        "nbgrader": (for_nbgrader, folder / "nbgrader" / "source" / name / f"{name}.ipynb"),
        "otter": (for_otter, folder / "otter" / f"{name}.ipynb"),
    }[form]
    notebook = make(lesson, secret)
    nbformat.validate(notebook)
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, file)
    settings = folder / "nbgrader" / "nbgrader_config.py"
    if form == "nbgrader" and not settings.exists():  # a teacher may have changed it
        settings.write_text(_CONFIGURATION, "utf-8")
    return file


def main(arguments: list[str]) -> int:
    """Write one hand-in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lesson", type=int)
    parser.add_argument("--form", choices=["plain", "nbgrader", "otter"], default="plain")
    parser.add_argument("--secret", type=Path, help="a file with the class's secret, which students do not have")
    parser.add_argument("--into", type=Path, default=HANDIN, help="the folder, handin/ if none is given")
    asked = parser.parse_args(arguments)
    try:
        print(write(asked.form, get_lesson(asked.lesson), asked.into, read_secret(asked.secret)))
    except ValueError as refused:
        parser.error(str(refused))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
