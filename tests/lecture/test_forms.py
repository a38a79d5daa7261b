"""The three forms of a hand-in, as notebooks. Whether the graders grade them, test_graders asks the graders."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from lecture.asked import read_asked
from lecture.handin import for_nbgrader, for_otter, handin, main, write
from lecture.leaks import answers, leaks
from vlmteach.course import LESSONS, Lesson

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
GRADED = {"grade": True, "solution": False, "locked": True, "task": False, "schema_version": 3, "points": 1}
ANSWER = {"grade": False, "solution": True, "locked": False, "task": False, "schema_version": 3}
FIXED = ANSWER | {"solution": False, "locked": True}


@each_lesson
def test_every_cell_of_nbgraders_source_says_what_it_is(lesson: Lesson) -> None:
    notebook = for_nbgrader(lesson)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.language == "python"  # or nbgrader finds no solution
    marks = [dict(cell.metadata.nbgrader) for cell in notebook.cells]
    ids = [mark.pop("grade_id") for mark in marks]
    places = [number.replace(".", "-") for number in read_asked(lesson)]
    kinds = {"words": FIXED, "exercise": ANSWER, "check": FIXED, "grade": GRADED}
    assert ids == ["title", "bootstrap", "setup", *(f"{kind}-{place}" for place in places for kind in kinds)]
    assert marks == [FIXED] * 3 + [*kinds.values()] * len(places)


@each_lesson
def test_what_nbgrader_and_otter_take_out_is_the_answer_and_the_rest_is_the_students(lesson: Lesson) -> None:
    sources = {cell.metadata.nbgrader.grade_id: cell.source for cell in for_nbgrader(lesson).cells}
    solutions = [cell.source for cell in for_otter(lesson).cells if "# BEGIN SOLUTION NO PROMPT" in cell.source]
    for (number, asked), solution in zip(read_asked(lesson).items(), solutions, strict=True):
        place = number.replace(".", "-")
        stub, inside, after = re.split(r"\n*### (?:BEGIN|END) SOLUTION\n*", sources[f"exercise-{place}"])
        assert (stub, inside, after) == (asked.stub, asked.exercise.answer or asked.stub, "")
        assert solution == f"{stub}\n# BEGIN SOLUTION NO PROMPT\n{inside}\n# END SOLUTION"
        seen, hidden, after = re.split(r"\n?### (?:BEGIN|END) HIDDEN TESTS\n?", sources[f"grade-{place}"])
        assert ast.parse(seen).body == []
        assert hidden.endswith(f"{asked.maker}.check({asked.name}).or_raise()")
        assert after == ""


@each_lesson
def test_the_master_of_otter_has_a_question_for_each_exercise_and_no_otter_for_students(lesson: Lesson) -> None:
    notebook = for_otter(lesson)
    nbformat.validate(notebook)
    raw = [cell.source for cell in notebook.cells if cell.cell_type == "raw"]
    assert yaml.safe_load(raw[0]) == {"init_cell": False, "export_cell": False, "tests": {"ok_format": False}}
    questions = [yaml.safe_load(text) for text in raw if text.startswith("# BEGIN QUESTION")]
    names = [f"q{number.replace('.', '_')}" for number in read_asked(lesson)]
    assert questions == [{"name": name, "points": 1, "check_cell": False} for name in names]
    marks = ["BEGIN QUESTION", "BEGIN SOLUTION", "END SOLUTION", "BEGIN TESTS", "END TESTS", "END QUESTION"]
    assert [text.splitlines()[0] for text in raw[1:]] == [f"# {mark}" for mark in marks] * len(names)
    tests = [cell.source for cell in notebook.cells if "BEGIN TEST CONFIG" in cell.source]
    for name, asked, test in zip(names, read_asked(lesson).values(), tests, strict=True):
        (function,) = [node for node in ast.parse(test).body if isinstance(node, ast.FunctionDef)]
        assert (function.name, [argument.arg for argument in function.args.args]) == (f"test_{name}", [asked.name])
        assert test.endswith(f"{asked.maker}.check({asked.name}).or_raise()")
    plain = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert not any("otter" in source for source in plain)


def test_no_answer_stands_in_the_plain_form(tmp_path: Path) -> None:
    for lesson in LESSONS:
        nbformat.write(handin(lesson), tmp_path / f"{lesson.name}.ipynb")
    assert leaks([tmp_path], answers()) == []


def test_a_secret_that_is_none_is_refused_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "secret").write_text("short", "utf-8")
    with pytest.raises(SystemExit):
        main(["1", "--secret", str(tmp_path / "secret"), "--into", str(tmp_path / "made")])
    assert "expected a secret of 8 or more" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_each_form_has_its_place_and_a_changed_configuration_is_kept(tmp_path: Path) -> None:
    for form in ("plain", "nbgrader", "otter"):
        assert main(["1", "--form", form, "--into", str(tmp_path)]) == 0
    settings = tmp_path / "nbgrader" / "nbgrader_config.py"
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {
        tmp_path / "01.ipynb",
        settings,
        tmp_path / "nbgrader" / "source" / "lesson_01" / "lesson_01.ipynb",
        tmp_path / "otter" / "lesson_01.ipynb",
    }
    settings.write_text("# mine", "utf-8")
    write("nbgrader", LESSONS[2], tmp_path)
    assert settings.read_text("utf-8") == "# mine"
