"""The slides of a lesson: what its source marks, joined with what the executed notebook shows.

The options of a slide:

- `:cut:` the shortest lecture it belongs to: 20, 50 or 90 minutes. Every longer lecture has it, too.
- `:minutes:` how long it stays up.
- `:show:` what it shows of the next code cell, in this order: `code`, `output`, `figure`, joined by commas.
  `code 2-5` and `output 1-3` take some lines only.
- `:poll:` the poll of the bank that is asked before it.
- `:exercise:` the exercise that is worked on during it. Exercises belong to lectures of 50 minutes or more.

Text and notes are Markdown with maths between dollar signs. An output can only come from the cell as it was executed,
so a slide shows nothing that was not measured.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache

import build_lessons
import nbformat
from bs4 import BeautifulSoup
from editions import Edition
from lecture_marks import Mark, read_marks, sections
from nbformat import NotebookNode
from prose import translated_mark

from vlmteach.course import Lesson
from vlmteach.language import _

CUTS = (20, 50, 90)
PARTS = ("code", "output", "figure")
LONGEST_LINE = 80  # characters of 24 pixels on a slide
_OPTIONS = ("cut", "minutes", "show", "poll", "exercise")
_SHOW = re.compile(r"(code|output|figure)(?: (\d+)(?:-(\d+))?)?")


@dataclass(frozen=True)
class Shown:
    """A part of a cell that a slide shows. first, last: the lines, counted from 1; 0 for all of them."""

    part: str
    first: int = 0
    last: int = 0

    def lines_of(self, text: str) -> str:
        """Those lines of a text. Raises ValueError where it has fewer."""
        lines = text.rstrip("\n").split("\n")
        if not self.first:
            return "\n".join(lines)
        if not self.first <= self.last <= len(lines):
            raise ValueError(f"it asks for lines {self.first}-{self.last} of {len(lines)}")
        return "\n".join(lines[self.first - 1 : self.last])


@dataclass(frozen=True)
class Slide:
    """One slide. cell: the code cell that follows, as executed; None where none follows or it is not executed yet."""

    title: str
    text: str
    notes: str
    cut: int
    minutes: int
    show: tuple[Shown, ...]
    cell: NotebookNode | None
    next_cell: str  # id of the code cell that follows it in the lesson, empty behind the last
    poll: str
    exercise: str
    section: str


def title_of(lesson: Lesson) -> str:
    """What a lesson is called in plans and quizzes: 01 · From feature map to tokens."""
    return f"{lesson.number:02d} · {_(lesson.title)}"


@cache
def executed(lesson: Lesson, edition: Edition | None = None) -> NotebookNode:
    """The lesson as it was executed and committed."""
    folder = edition.notebooks if edition else build_lessons.NOTEBOOKS
    return nbformat.read(folder / f"{lesson.name}.ipynb", as_version=4)


def read_slides(lesson: Lesson, edition: Edition | None = None) -> list[Slide]:
    """The slides of a lesson, in order. Raises ValueError, naming lesson and slide, for a mark that cannot be used.

    edition: in another language than English. Raises KeyError for a message that it lacks.
    """
    path = build_lessons.SOURCES / f"{lesson.name}.md"
    cells = [cell for cell in build_lessons.read_source(lesson, edition).cells if cell.cell_type == "code"]
    ran = {cell.id: cell for cell in executed(lesson, edition).cells}
    marks = read_marks(path.read_text("utf-8"))
    if edition:
        translate = edition.lecturer(lesson)
        marks = [translated_mark(mark, translate) for mark in marks]
    slides = []
    for mark in marks:
        try:
            following = cells[mark.code_cells].id if mark.code_cells < len(cells) else ""
            slides.append(_slide(mark, following, ran))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {mark.line}, slide {mark.title!r}: {error}.") from None
    return slides


def sections_of(lesson: Lesson) -> list[str]:
    """The headings of a lesson's sections, in order."""
    return sections((build_lessons.SOURCES / f"{lesson.name}.md").read_text("utf-8"))


def _slide(mark: Mark, following: str, ran: dict[str, NotebookNode]) -> Slide:
    unknown = sorted(mark.options.keys() - set(_OPTIONS))
    if unknown:
        raise ValueError(f"there is no option {unknown[0]!r}; expected some of {', '.join(_OPTIONS)}")
    if not mark.title:
        raise ValueError("it has no title; write one behind :::{slide}")
    if not mark.notes:
        raise ValueError("its notes are empty; write what is said while it is up")
    cut = _whole(mark, "cut")
    if cut not in CUTS:
        raise ValueError(f"its cut is {cut}; expected one of {', '.join(map(str, CUTS))}")
    if mark.options.get("exercise") and cut == CUTS[0]:
        raise ValueError(f"it has an exercise and belongs to {CUTS[0]} minutes; nobody solves one in so short a time")
    show = tuple(map(_shown, filter(None, re.split(r",\s*", mark.options.get("show", "")))))
    if show and not following:
        raise ValueError("it shows something of the next code cell, and none follows")
    return Slide(
        title=mark.title,
        text=mark.text,
        notes=mark.notes,
        cut=cut,
        minutes=_whole(mark, "minutes"),
        show=show,
        cell=ran.get(following),
        next_cell=following,
        poll=mark.options.get("poll", ""),
        exercise=mark.options.get("exercise", ""),
        section=mark.section,
    )


def _whole(mark: Mark, option: str) -> int:
    given = mark.options.get(option, "")
    if not re.fullmatch(r"[1-9]\d*", given):
        raise ValueError(f"its {option} is {given!r}; expected a whole number of minutes such as :{option}: 20")
    return int(given)


def _shown(wish: str) -> Shown:
    found = _SHOW.fullmatch(wish)
    if not found or (found[1] == "figure" and found[2]):
        raise ValueError(f"it shows {wish!r}; expected code, code 2-5, output, output 2-5 or figure")
    first = int(found[2] or 0)
    return Shown(found[1], first, int(found[3] or first))


def printed(cell: NotebookNode) -> str:
    """What a cell printed, and the text of a result that is no figure."""
    texts = []
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "stream":
            texts.append(output.text)
        elif "text/html" not in data and "image/png" not in data and "text/plain" in data:
            texts.append(data["text/plain"] + "\n")
    return "".join(texts)


def picture_of(cell: NotebookNode) -> tuple[str, str] | None:
    """The description and the address of the picture that a cell shows; None where it shows none, or an explorer."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            packed = "".join(data["image/png"].split())
            return output.metadata["image/png"]["alt"], f"data:image/png;base64,{packed}"
        page = BeautifulSoup(data.get("text/html", ""), "html.parser")
        if page.find("iframe"):  # an explorer, whose picture only stands in for it
            return None
        if picture := page.find("img"):
            return picture["alt"], picture["src"]
    return None


def code_of(slide: Slide, shown: Shown) -> str:
    """The lines of code a slide shows. Raises ValueError for a line that is too long for the last row of a room."""
    assert slide.cell is not None
    code = textwrap.dedent(shown.lines_of(slide.cell.source))
    for line in code.split("\n"):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"a line of code has {len(line)} characters, and {LONGEST_LINE} fit: {line!r}")
    return code
