"""The instructor's edition: notes stand where they belong, every exercise with its answer, and rules for a room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook

from lecture.instructor import EDITION, exercises_page, with_notes
from lecture.leaks import letters_of
from lecture.slides import Slide, executed, read_slides
from vlmteach.course import LESSONS

RUNNING = (Path(__file__).parents[2] / "lecture" / "RUNNING.md").read_text("utf-8")


def slide_before(cell: str) -> Slide:
    return Slide("A title", "", "Say this.", 50, 4, (), None, cell, "", "", "")


def test_notes_stand_above_the_cell_that_follows_their_slide() -> None:
    cells = [new_code_cell("one", id="one"), new_code_cell("two", id="two")]
    notebook = with_notes(new_notebook(cells=cells), [slide_before("two"), slide_before("")])
    kinds = [cell.source.splitlines()[0] for cell in notebook.cells]
    note = "::::{admonition} A title (4 min, from the lecture of 50)"
    assert kinds == ["one", note, "two", note]


def test_notes_without_their_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="is not in the notebook; run `make notebooks`"):
        with_notes(new_notebook(cells=[new_code_cell("one", id="one")]), [slide_before("two")])


def test_the_page_of_exercises_has_every_question_answer_and_mistake() -> None:
    page = exercises_page()
    tags = [tag for lesson in LESSONS for cell in executed(lesson).cells for tag in cell.metadata.get("tags", [])]
    numbers = [tag.removeprefix("exercise-") for tag in tags if tag.startswith("exercise-")]
    assert re.findall(r"^### Exercise (.*)$", page, re.MULTILINE) == numbers
    assert "\n\n\n\n**Known" not in page


def test_every_lesson_has_a_row_of_what_students_stumble_over() -> None:
    rows = re.findall(r"^\| (\d\d) \|", RUNNING, re.MULTILINE)
    assert sorted(set(rows)) == [f"{lesson.number:02d}" for lesson in LESSONS]
    assert rows == sorted(rows)


@pytest.mark.lecture
def test_every_note_stands_on_the_page_of_its_lesson_and_the_edition_says_what_it_is() -> None:
    for lesson in LESSONS:
        page = BeautifulSoup((EDITION / "notebooks" / f"{lesson.name}.html").read_text("utf-8"), "html.parser")
        slides = read_slides(lesson)
        assert len(page.select(".admonition.tip")) == len(slides)
        text = letters_of(page.get_text())
        for slide in slides:
            plain = re.sub(r"`|\*|\$.*?\$", "", slide.notes)
            assert letters_of(plain.split("\n\n")[0]) in text or "$" in slide.notes, slide.title
        assert "instructor's edition" in page.title.get_text()
        assert "holds answers" in page.select_one(".announcement").get_text()


@pytest.mark.lecture
def test_every_link_of_the_first_page_leads_to_a_file() -> None:
    page = BeautifulSoup((EDITION / "index.html").read_text("utf-8"), "html.parser")
    links = [link["href"] for link in page.select("article a[href]") if not link["href"].startswith(("http", "#"))]
    assert len(links) > 9 * len(LESSONS)
    for link in links:
        assert (EDITION / re.split(r"[?#]", link)[0]).is_file(), link
