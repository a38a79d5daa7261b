"""Lesson 08 builds nn/tiny_vlm.py piece by piece: its cells are the page's definitions, word for word."""

import ast
from pathlib import Path

import build_lessons
import torch

from vlmteach.course import LESSONS
from vlmteach.course.exercises import lesson_08
from vlmteach.nn import tiny_vlm

PAGE = Path(tiny_vlm.__file__).read_text("utf-8")
LEFT_TO_THE_STUDENT = {"packed_mask"}  # exercise 8.1


def pieces(source: str) -> dict[str, str]:
    """What a text defines or sets, by name, as a syntax tree: layout and comments do not count, docstrings do."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found[node.name] = ast.dump(node)
        elif isinstance(node, ast.Assign):
            found[ast.unparse(node.targets[0])] = ast.dump(node)
    return found


def cells_of_the_lesson() -> list[str]:
    notebook = build_lessons.read_source(LESSONS[8])
    return [
        cell.source for cell in notebook.cells if any(tag.startswith("piece-") for tag in cell.metadata.get("tags", []))
    ]


def test_each_piece_is_shown_once_and_is_what_stands_on_the_page() -> None:
    shown: dict[str, str] = {}
    for source in cells_of_the_lesson():
        found = pieces(source)
        assert found, source
        assert not shown.keys() & found.keys()
        shown |= found
    page = {name: tree for name, tree in pieces(PAGE).items() if name not in LEFT_TO_THE_STUDENT}
    assert shown.keys() == page.keys()
    for name, tree in page.items():
        assert shown[name] == tree, name


def test_a_cell_with_a_piece_holds_nothing_else() -> None:
    for source in cells_of_the_lesson():
        assert len(ast.parse(source).body) == len(pieces(source))


def test_the_piece_that_is_left_out_is_the_answer_of_an_exercise() -> None:
    names: dict[str, object] = {}
    exec(lesson_08.mask.answer, names)
    for shape in [(0, 1, 1), (4, 2, 3), (1, 3, 2)]:
        assert torch.equal(names["who_sees_whom"](*shape), tiny_vlm.packed_mask(*shape))  # type: ignore[operator]
