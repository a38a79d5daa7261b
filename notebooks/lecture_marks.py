"""The marks of a lecture inside a lesson's source: blocks for slides and their notes, which no notebook ever holds.

    :::{slide} The bug that keeps its shape
    :cut: 20
    :minutes: 3
    :show: figure

    `reshape` gives the right shape and the wrong tokens.
    :::

    :::{notes}
    Ask them to sketch what they expect.
    :::

Notes have words of their own, none of the lesson's, so that a note that got out can be told from the lesson.
A block stands between two paragraphs or cells, with an empty line after it. Taking all blocks out leaves the lesson
byte for byte as it would be without them. What the options mean is said in `lecture/slides.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^:::\{(?P<kind>slide|notes)\}[ ]*(?P<title>.*)\n"
    r"(?P<options>(?::(?!::).*\n)*)(?P<text>(?:(?!:::).*\n)*?):::\n(?:\n|\Z)",
    re.MULTILINE,
)
_OPTION = re.compile(r":(\w+):[ ]*(.*)")
_FENCE = re.compile(r"^```", re.MULTILINE)
_CODE_CELL = re.compile(r"^```\{code-cell\}", re.MULTILINE)
_HEADING = re.compile(r"^##+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Mark:
    """One slide as it stands in a source, with its notes.

    line: of its first line in the source. code_cells: how many code cells of the lesson come before it. section: the
    lesson's heading above it, empty before the first.
    """

    title: str
    options: dict[str, str]
    text: str
    notes: str
    line: int
    code_cells: int
    section: str


def strip_marks(source: str) -> str:
    """The lesson alone. Raises ValueError for a block that is not closed, or is neither a slide nor notes."""
    lesson = _BLOCK.sub("", source)
    left = re.search(r"^:::.*$", lesson, re.MULTILINE)
    if left:
        raise ValueError(
            f"the source has a line {left.group()!r} that belongs to no block; expected :::{{slide}} or :::{{notes}}, "
            "its options, an empty line, its text, then ::: and an empty line."
        )
    return lesson


def read_marks(source: str) -> list[Mark]:
    """The slides of a source, in order. Raises ValueError where a slide has no notes, or notes have no slide."""
    strip_marks(source)
    marks: list[Mark] = []
    waiting: re.Match[str] | None = None  # a slide whose notes come next
    for block in _BLOCK.finditer(source):
        line = source.count("\n", 0, block.start()) + 1
        if block["kind"] == "slide":
            if waiting:
                raise _without_notes(waiting)
            waiting = block
            continue
        if waiting is None or source[waiting.end() : block.start()].strip():
            raise ValueError(
                f"the notes in line {line} follow no slide; put them right behind the slide they belong to."
            )
        marks.append(_mark(source, waiting, block))
        waiting = None
    if waiting:
        raise _without_notes(waiting)
    return marks


def sections(source: str) -> list[str]:
    """The headings of a lesson's sections, in order."""
    return _HEADING.findall(re.sub(r"^```.*?^```$", "", strip_marks(source), flags=re.MULTILINE | re.DOTALL))


def _without_notes(slide: re.Match[str]) -> ValueError:
    return ValueError(f"the slide {slide['title']!r} has no notes; put a :::{{notes}} block right behind it.")


def _mark(source: str, slide: re.Match[str], notes: re.Match[str]) -> Mark:
    line = source.count("\n", 0, slide.start()) + 1
    before = _BLOCK.sub("", source[: slide.start()])
    if len(_FENCE.findall(before)) % 2:
        raise ValueError(f"the slide in line {line} stands inside a cell; put it between two of them.")
    options = {}
    for option in slide["options"].splitlines():
        found = _OPTION.fullmatch(option)
        if not found or found[1] in options:
            raise ValueError(
                f"the slide in line {line} has the option {option!r}; expected each once, as in :minutes: 3."
            )
        options[found[1]] = found[2].strip()
    headings = sections(before)
    return Mark(
        title=slide["title"].strip(),
        options=options,
        text=slide["text"].strip(),
        notes=notes["text"].strip(),
        line=line,
        code_cells=len(_CODE_CELL.findall(before)),
        section=headings[-1] if headings else "",
    )
