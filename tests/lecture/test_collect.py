"""Hand-ins of every kind, as students send them: each gets the verdict it deserves, and none stops the others."""

from __future__ import annotations

import csv
import multiprocessing
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from support.answers import answer_cells

from lecture.asked import read_asked
from lecture.collect import asked_of, check_all, check_one, main, write_results
from lecture.handin import handin
from vlmteach.course import LESSONS, Lesson

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="only forks are checked")
LESSON = LESSONS[1]
ASKED = asked_of(LESSON)
RIGHT = {
    "1.1": "def flatten_grid(grid):\n    return grid.flatten(2).transpose(1, 2)",
    "1.2": "tokens_for_wide_picture = (384 // 32) * (640 // 32)",
    "1.3": "def stride_cell(token, width, stride):\n    y, x = divmod(token, width)\n"
    "    return y * stride, x * stride, (y + 1) * stride, (x + 1) * stride",
}


def filled(answers: dict[str, str], lesson: Lesson = LESSON) -> NotebookNode:
    """The hand-in with these cells in place of the stubs."""
    notebook = handin(lesson)
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            cell.source = answers.get(tag.removeprefix("exercise-"), cell.source)
    return notebook


def save(notebook: NotebookNode, folder: Path, name: str = "student") -> Path:
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def first(tmp_path: Path, cell: str, seconds: float = 30.0) -> tuple[str, str]:
    """What comes of exercise 1.1 with this cell in its place; the other two are right, and must stay so."""
    found = check_one(save(filled(RIGHT | {"1.1": cell}), tmp_path), ASKED, seconds)
    assert (found["1.2"].status, found["1.3"].status) == ("right", "right")
    return found["1.1"].status, found["1.1"].why


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_hand_in_holds_all_exercises_and_nothing_else_of_the_lesson(lesson: Lesson) -> None:
    notebook = handin(lesson)
    nbformat.validate(notebook)
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    numbers = list(read_asked(lesson))
    assert tags == ["bootstrap", *(f"{kind}-{number}" for number in numbers for kind in ("exercise", "check"))]
    assert len(notebook.cells) == 3 + 3 * len(numbers)
    assert not any(cell.get("outputs") for cell in notebook.cells)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_solutions_are_right_and_the_stubs_are_not_attempted(lesson: Lesson, tmp_path: Path) -> None:
    cells = answer_cells()
    solved = {number: cells[number].exercise.answer for number in read_asked(lesson)}
    found = check_one(
        save(filled({number: text for number, text in solved.items() if text}, lesson), tmp_path), read_asked(lesson)
    )
    for number, text in solved.items():
        assert found[number].status == ("right" if text else "not attempted"), found[number]
    empty = check_one(save(handin(lesson), tmp_path), read_asked(lesson))
    assert {result.status for result in empty.values()} == {"not attempted"}


WRONG = "def flatten_grid(grid):\n    return grid.reshape(len(grid), -1, grid.shape[1])"
VERDICTS = {
    "right": (RIGHT["1.1"], "right", "nothing was lost"),
    "wrong": (WRONG, "wrong", "reshape mistake"),
    "stub": ('def flatten_grid(grid):\n    raise NotImplementedError("your code here")', "not attempted", "Write"),
    "warning": (
        RIGHT["1.1"].replace("    return", "    import warnings\n    warnings.warn('x')\n    return"),
        "right",
        "nothing was lost. Your code warned: UserWarning: x",
    ),
    "prints": (RIGHT["1.1"].replace("    return", "    print('x' * 9999)\n    return"), "right", ""),
    "raises in the cell": ("1 / 0\n" + RIGHT["1.1"], "raised", "ZeroDivisionError"),
    "raises in the function": ("def flatten_grid(grid):\n    return grid.nothing", "raised", "nothing"),
    "exits": ("import sys\nsys.exit(0)\n" + RIGHT["1.1"], "raised", "SystemExit"),
    "exits hard": ("import os\nos._exit(0)\n" + RIGHT["1.1"], "stopped", "ended before it gave an answer"),
    "no such name": ("def flatten(grid):\n    return grid", "missing", "No cell defines flatten_grid"),
    "not Python": ("def flatten_grid(grid:", "missing", "No cell defines flatten_grid"),
    "magic": ("%matplotlib inline\n!ls\n" + RIGHT["1.1"], "right", ""),
    "the answer executed": (
        "from vlmteach.course.exercises import lesson_01\nexec(lesson_01.flatten.answer)",
        "missing",
        "No cell defines flatten_grid",
    ),
    "the answer executed by name": (
        "from vlmteach.course.exercises import lesson_01\nmade = {}\nexec(lesson_01.flatten.answer, made)\n"
        "flatten_grid = made['flatten_grid']",
        "raised",
        "KeyError",
    ),
    "the answer executed later": (
        "from vlmteach.course.exercises import lesson_01\ndef flatten_grid(grid):\n    made = {}\n"
        "    exec(lesson_01.flatten.answer, made)\n    return made['flatten_grid'](grid)",
        "raised",
        "KeyError",
    ),
    "check overwritten": (
        "from vlmteach.course.exercises import Exercise, Verdict\n"
        "Exercise.check = lambda self, answer: Verdict('right', 'yes')\nflatten_grid = None or (lambda grid: grid)",
        "refused",
        "changes the checker (Exercise.check)",
    ),
    "check overwritten in the function": (
        "from vlmteach.course.exercises import checks\ndef flatten_grid(grid):\n"
        "    checks.FunctionCheck._same = lambda *all: True\n    return grid",
        "refused",
        "changes the checker (FunctionCheck._same)",
    ),
    "examination overwritten": (
        "from vlmteach.course.exercises import lesson_01\n"
        "object.__setattr__(lesson_01.flatten, 'examine', lambda answer: None)\n" + WRONG,
        "wrong",
        "reshape mistake",
    ),
    "a function of the package": (
        "from vlmteach.nn import grid_to_tokens as flatten_grid",
        "refused",
        "of the package",
    ),
}


@pytest.mark.parametrize("kind", VERDICTS)
def test_each_kind_of_answer_gets_its_verdict_and_leaves_the_others_alone(tmp_path: Path, kind: str) -> None:
    cell, status, why = VERDICTS[kind]
    got = first(tmp_path, cell)
    assert got[0] == status, got
    assert why in got[1]


ENDLESS = {  # the clock stops both
    "waits, in the cell": "import time\nwhile True: time.sleep(1)\n" + RIGHT["1.1"],
    "works, in the function": "def flatten_grid(grid):\n    while True: pass",
}


@pytest.mark.parametrize("cell", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_loop_is_stopped(tmp_path: Path, cell: str) -> None:
    assert first(tmp_path, cell, seconds=4.0) == ("stopped", "It ran for more than 4 seconds.")


def test_too_much_memory_is_an_error_of_the_answer(tmp_path: Path) -> None:
    hog = "def flatten_grid(grid):\n    import torch\n    return torch.ones(10**11)"
    assert first(tmp_path, hog)[0] in ("raised", "stopped")


def test_lost_tags_moved_and_copied_cells_do_no_harm(tmp_path: Path) -> None:
    notebook = filled(RIGHT)
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
    first_try, copied = nbformat.v4.new_code_cell(WRONG), nbformat.v4.new_code_cell(RIGHT["1.1"])
    notebook.cells = [first_try, *reversed(notebook.cells), copied]
    found = check_one(save(notebook, tmp_path), ASKED)
    assert [result.status for result in found.values()] == ["right"] * 3


def test_the_last_of_several_cells_counts_and_helpers_come_along(tmp_path: Path) -> None:
    notebook = filled(RIGHT | {"1.1": WRONG})
    helper = "from torch import nn\n\ndef swap(x):\n    return x.transpose(1, 2)"
    again = "def flatten_grid(grid):\n    return swap(grid.flatten(2))"
    notebook.cells += [nbformat.v4.new_code_cell(helper), nbformat.v4.new_code_cell(again)]
    assert check_one(save(notebook, tmp_path), ASKED)["1.1"].status == "right"


def test_a_whole_class_becomes_a_table_and_a_page_for_each(tmp_path: Path) -> None:
    for number in range(12):
        save(filled(RIGHT if number % 2 else RIGHT | {"1.1": WRONG}), tmp_path, f"student {number:02d}")
    (tmp_path / "broken.ipynb").write_text("no notebook", "utf-8")
    results = check_all(tmp_path, ASKED)
    write_results(tmp_path, LESSON, results)
    with (tmp_path / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["hand-in", "1.1", "1.2", "1.3", "right"]
    assert rows[1] == ["broken", "unreadable", "unreadable", "unreadable", "0"]
    assert rows[2] == ["student 00", "wrong", "right", "right", "2"]
    assert rows[3] == ["student 01", "right", "right", "right", "3"]
    assert len(rows) == 14
    assert "**1.1** Wrong. This is the reshape mistake" in (tmp_path / "feedback" / "student 00.md").read_text("utf-8")


def test_a_number_of_another_class_and_a_table_of_the_lessons_cases_do_not_pass(tmp_path: Path) -> None:
    asked = ASKED["1.1"].exercise
    cases = [(case[0].tolist(), asked.examine.right(*case).tolist()) for case in asked.examine.cases]
    table = (
        f"import torch\n\ndef flatten_grid(grid):\n    return dict((str(a), b) for a, b in {cases})[str(grid.tolist())]"
    )
    hand_in = save(filled(RIGHT | {"1.1": table}), tmp_path)
    assert [result.status for result in check_one(hand_in, ASKED).values()] == ["right"] * 3
    of_a_class = check_one(hand_in, asked_of(LESSON, "class of spring"))
    assert [of_a_class[number].status for number in ("1.1", "1.2", "1.3")] == ["raised", "wrong", "right"]


def test_a_folder_without_hand_ins_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["1", str(tmp_path)])
    assert "holds no notebook" in capsys.readouterr().err


def test_where_no_process_can_be_forked_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])  # as on Windows
    save(filled(RIGHT), tmp_path)
    with pytest.raises(SystemExit):
        main(["1", str(tmp_path)])
    assert "use Linux, macOS or WSL" in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()
