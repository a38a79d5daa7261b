"""Lesson 09 holds no result itself: its prose and its printed sentences read the records."""

from __future__ import annotations

import ast
import re

import build_lessons
import pytest

from vlmteach.course import get_lesson

# Numbers that are no results. Whatever is left in a text when these are taken out is a result typed by hand.
ALLOWED = {
    "a link": r"\]\([^)]*\)",
    "an arXiv id": r"\b\d{4}\.\d{4,5}\b",
    "a year": r"\b(?:19|20)\d\ds?\b",
    "the number of a lesson, a section or an exercise": (
        r"(?m)^(?:#+ )?\d+[.·]|\b(?:0\d|1[01])\b(?! ?[%×x.])|\b[Ss]ection \d+|\*\*9\.\d"
    ),
    "the size of a grid": r"\b\d+ ?[×x] ?\d+\b",
    "a model or a data set": r"RN50x64|LAION-2B|ViT-bigG/14|LLaVA-1\.5",
    "a name": r"\b[A-Z][A-Za-z]*-?[A-Z]?/?\d+\b|\b(?:cnn|vit)-\d\b",
    "a rounding error": r"\b1e-\d+\b",
    "how boards and pictures are made": r"\b[\d,]+ (?:cells|windows|(?:to 384 )?pixels)\b|\b(?:row|column) \d\b",
    "what the lesson asks for": r"\*\*Time:\*\*.*",
}


def left_over(text: str) -> list[str]:
    for pattern in ALLOWED.values():
        text = re.sub(pattern, " ", text)
    return re.findall(r"[^\s]*\d[^\s]*", text)


def strings(source: str) -> list[str]:
    """What a code cell may say: its strings, and the fixed parts of its f-strings."""
    code = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith("%"))
    try:
        tree = ast.parse(code)
    except SyntaxError:  # the bootstrap cell, whose try holds nothing but the magic line
        return []
    formats = {id(part) for node in ast.walk(tree) if isinstance(node, ast.FormattedValue) for part in _format(node)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in formats]
    return [node.value for node in constants if isinstance(node.value, str)]


def _format(value: ast.FormattedValue) -> list[ast.AST]:
    """What stands behind the colon of a value in an f-string: digits there are widths."""
    return [] if value.format_spec is None else list(ast.walk(value.format_spec))


def test_no_sentence_of_the_lesson_holds_a_result() -> None:
    cells = build_lessons.read_source(get_lesson(9)).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    said = [text for cell in cells if cell.cell_type == "code" for text in strings(cell.source)]
    assert len(prose) > 30
    assert len(said) > 100
    assert {text: left for text in prose + said if (left := left_over(text))} == {}


@pytest.mark.parametrize(
    "sentence",
    [
        "It reaches 0.97.",
        "right in 95 % of cases",
        "after 450 steps",
        "1,200 pictures",
        "a gap of 3 points",
        "4.4 times",
    ],
)
def test_the_rule_finds_a_result_typed_by_hand(sentence: str) -> None:
    assert left_over(sentence)


def test_the_rule_lets_names_pass() -> None:
    assert not left_over("Of ViT-L/14 and BLIP-2 (2301.12597), 2023, on 14 × 14 cells, section 3")
