"""Marks of slides and notes leave no trace in a lesson, and say where they stand."""

from __future__ import annotations

import re

import build_lessons
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lecture_marks import read_marks, strip_marks

from vlmteach.course import LESSONS

LESSON = """# Title

A paragraph.

## A section

```{code-cell} python
x = 1

y = 2
```

Another paragraph.

```{code-cell} python
print(x)
```

The end.
"""
SLIDE = ":::{slide} One thing\n:cut: 20\n:minutes: 3\n\nIts text.\n:::\n\n"
NOTES = ":::{notes}\nWhat is said.\n\n- with a list\n:::\n\n"
BETWEEN = [place.end() for place in re.finditer(r"\n\n(?!y = 2)", LESSON)]


@given(st.sets(st.sampled_from(BETWEEN)))
def test_taking_the_marks_out_gives_the_lesson_back_wherever_they_stand(places: set[int]) -> None:
    marked = LESSON
    for place in sorted(places, reverse=True):
        marked = marked[:place] + SLIDE + NOTES + marked[place:]
    assert strip_marks(marked) == LESSON
    assert len(read_marks(marked)) == len(places)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_holds_nothing_of_a_mark_once_they_are_out(lesson) -> None:
    source = (build_lessons.SOURCES / f"{lesson.name}.md").read_text("utf-8")
    notebook = str(build_lessons.read_source(lesson))
    assert ":::" not in notebook
    for mark in read_marks(source):
        assert mark.notes not in notebook


def test_a_mark_knows_its_words_its_section_and_the_cells_before_it() -> None:
    place = LESSON.index("Another")
    (mark,) = read_marks(LESSON[:place] + SLIDE + NOTES + LESSON[place:])
    assert (mark.title, mark.text, mark.notes) == ("One thing", "Its text.", "What is said.\n\n- with a list")
    assert mark.options == {"cut": "20", "minutes": "3"}
    assert (mark.section, mark.code_cells, mark.line) == ("A section", 1, 13)


@pytest.mark.parametrize(
    ("marked", "says"),
    [
        (":::{slide} Open\n:cut: 20\n\nno end\n\n", "belongs to no block"),
        (":::{tip} A tip\nNot ours.\n:::\n\n", "belongs to no block"),
        (SLIDE, "has no notes"),
        (SLIDE + SLIDE + NOTES, "has no notes"),
        (NOTES, "follow no slide"),
        (SLIDE + "A paragraph between.\n\n" + NOTES, "follow no slide"),
        (SLIDE.replace(":cut: 20", ":show code"), "the option ':show code'"),
        (SLIDE.replace(":cut: 20", ":cut: 20\n:cut: 50") + NOTES, "the option ':cut: 50'"),
    ],
)
def test_a_mark_that_would_lose_something_is_refused(marked: str, says: str) -> None:
    marked = marked if "notes" in marked or "has no" in says or "no block" in says else marked + NOTES
    with pytest.raises(ValueError, match=re.escape(says)):
        read_marks(marked + LESSON)


def test_a_mark_inside_a_cell_is_refused() -> None:
    place = LESSON.index("y = 2")
    with pytest.raises(ValueError, match="inside a cell"):
        read_marks(LESSON[:place] + SLIDE + NOTES + LESSON[place:])
