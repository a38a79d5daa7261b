"""The package without its answers: checks and hints work, solution() says where the answer is, and none got out."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from support.answers import answer_cells

from lecture.asked import exercises_of, module_of
from lecture.leaks import answers, leaks, notes, planted_mistakes
from lecture.withhold import ROOT, SENTENCE, build, strip, withhold
from vlmteach.course import LESSONS, Lesson
from vlmteach.course.exercises import Exercise

CELLS = answer_cells()


def test_only_the_answer_changes() -> None:
    source = 'α = Exercise(number="1.1",  # ä\n    answer={}, hints=("answer",),\n)\nx = 1\n'
    assert withhold(source.format('"""def f():\n    return "ü" """')) == source.format(repr(SENTENCE))


def test_several_answers_and_none() -> None:
    source = "a, b = Exercise(answer={}), Exercise(answer={})\nc = Exercise(hints=())\nd = Other(answer=1)\n"
    once = withhold(source.format("f'{1}'", "a.answer + 'x'"))
    assert once == withhold(once) == source.format(repr(SENTENCE), repr(SENTENCE))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_checks_and_hints_stay_and_solution_says_who_has_the_answer(
    lesson: Lesson, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module_of(lesson).rpartition(".")[2]
    path = tmp_path / f"{name}.py"
    path.write_text(withhold(Path(sys.modules[module_of(lesson)].__file__ or "").read_text("utf-8")), "utf-8")
    spec = importlib.util.spec_from_file_location(f"withheld_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    withheld = {thing.number: thing for thing in vars(module).values() if isinstance(thing, Exercise)}
    assert withheld.keys() == exercises_of(lesson).keys()
    for number, exercise in exercises_of(lesson).items():
        assert withheld[number].hints == exercise.hints
        capsys.readouterr()
        withheld[number].solution()
        opinion = f"Exercise {number} asks for your opinion: no answer is right or wrong."
        assert capsys.readouterr().out == (SENTENCE if exercise.answer else opinion) + "\n"
        if exercise.answer:
            assert withheld[number].check(CELLS[number].handed_over(exercise.answer)).outcome == "right"


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a copy of the package"):
        strip(tmp_path)


def test_the_stripped_package_holds_no_answer_and_a_planted_one_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "vlmteach"
    shutil.copytree(ROOT / "vlmteach" / "course", folder / "course", ignore=shutil.ignore_patterns("__pycache__"))
    put_together = {f"answer {number}" for number in ("1.2", "5.1", "5.3", "7.2")}  # when it is imported
    assert found_in(folder) == {canary.what for canary in answers()} - put_together
    strip(folder)
    assert found_in(folder) == set()
    (folder / "course" / "exercises" / "lesson_12.py").write_text(f"KEY = {CELLS['4.2'].exercise.answer!r}\n", "utf-8")
    assert found_in(folder) == {"answer 4.2"}


def found_in(place: Path) -> set[str]:
    return {sentence.split(" holds the ")[1] for sentence in leaks([place], answers())}


@pytest.mark.lecture
def test_the_wheel_for_students_holds_nothing_of_a_lecturers_and_a_planted_answer_is_found(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    assert leaks([wheel], [*answers(), *notes(), *planted_mistakes()]) == []
    with zipfile.ZipFile(wheel, "a") as archive:
        assert sum(name.startswith("vlmteach/course/exercises/lesson_") for name in archive.namelist()) == len(LESSONS)
        archive.writestr("vlmteach/key.py", f"KEY = {CELLS['4.2'].exercise.answer!r}\n")
    assert leaks([wheel], answers()) == [f"{wheel.name}:vlmteach/key.py holds the answer 4.2"]
