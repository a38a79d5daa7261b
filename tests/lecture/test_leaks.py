"""Nothing of a lecturer's gets to students; and planted leaks, in every form a text may take, are found."""

from __future__ import annotations

import html
import json
import textwrap
import zipfile
from functools import cache
from pathlib import Path

import build_lessons
import build_site
import nbformat
import pytest

from lecture.leaks import Canary, answers, leaks, letters_of, notes, planted_mistakes
from vlmteach.course import LESSONS

NOTE = "Ask them to sketch what they expect; then wait, and say nothing for a minute."
ANSWER = "import torch\n\ndef flatten_grid(grid):\n    return grid.flatten(2).transpose(1, 2)  # a < b & c\n"
notes, answers, planted_mistakes = map(cache, (notes, answers, planted_mistakes))
CANARIES = [Canary("note", letters_of(NOTE)), Canary("answer", letters_of(ANSWER))]


def notebook_with(text: str) -> str:
    cell = nbformat.v4.new_code_cell("x = 1", outputs=[nbformat.v4.new_output("stream", text=text)])
    return nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))


PLANTED = {
    "page.html": lambda text: "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines()),
    "coloured.html": lambda text: "".join(f"<span>{html.escape(word)}</span> " for word in text.split(" ")),
    "attribute.html": lambda text: f'<p title="{html.escape(text)}">',
    "picture.html": lambda text: f'<img src="data:image/png;base64,{"iVBORw0K" * 40}=" alt="{html.escape(text)}">',
    "wrapped.md": lambda text: "\n".join(textwrap.wrap(text, 20)),
    "lesson.ipynb": notebook_with,
    "searchindex.js": lambda text: f"Search.setIndex({json.dumps({'titles': [text]})})",
    "data.json": lambda text: json.dumps({"deep": [{"down": text}]}),
    "module.py": lambda text: f"NOTE = '''{text}'''",
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize(("what", "text"), [("note", NOTE), ("answer", ANSWER)])
def test_a_planted_leak_is_found_in_every_form(tmp_path: Path, name: str, what: str, text: str) -> None:
    inside = tmp_path / "deep" / name
    inside.parent.mkdir()
    inside.write_text(PLANTED[name](text), "utf-8")
    assert leaks([tmp_path], CANARIES) == [f"{name} holds the {what}"]


def test_a_planted_leak_is_found_inside_a_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "vlmteach-1.whl", "w") as wheel:
        wheel.writestr("vlmteach/course/notes.md", NOTE)
    assert leaks([tmp_path / "vlmteach-1.whl"], CANARIES) == ["vlmteach-1.whl:vlmteach/course/notes.md holds the note"]


def test_single_words_and_lines_of_an_answer_are_no_leak(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>import torch, and grid.flatten(2).transpose(1, 2)</p>", "utf-8")
    assert leaks([tmp_path], CANARIES) == []


def test_there_are_canaries_of_every_kind() -> None:
    assert len(notes()) > 200
    assert len(answers()) >= 29
    assert len(planted_mistakes()) > 180


def test_no_notebook_and_no_stripped_source_holds_notes_answers_or_planted_mistakes(tmp_path: Path) -> None:
    for lesson in LESSONS:
        source = (build_lessons.SOURCES / f"{lesson.name}.md").read_text("utf-8")
        (tmp_path / f"{lesson.name}.md").write_text(build_lessons.strip_marks(source), "utf-8")
    places = [tmp_path, *build_lessons.NOTEBOOKS.glob("*.ipynb")]
    assert leaks(places, [*notes(), *answers(), *planted_mistakes()]) == []


def test_the_wheel_holds_no_note_and_no_planted_mistake(wheel_folder: Path) -> None:
    assert leaks([wheel_folder], [*notes(), *planted_mistakes()]) == []


@pytest.mark.lecture
def test_the_students_site_holds_no_note_no_answer_and_no_planted_mistake() -> None:
    assert (build_site.SITE / "index.html").is_file(), "no site/index.html; run `make site`"
    assert leaks([build_site.SITE], [*notes(), *answers(), *planted_mistakes()]) == []


@pytest.mark.lecture
def test_the_instructors_edition_holds_them_all() -> None:
    from lecture.instructor import EDITION

    kinds = (notes(english_alone=True), answers(), planted_mistakes())
    found = leaks([EDITION], [canary for kind in kinds for canary in kind])
    for kind in kinds:
        assert {canary.what for canary in kind} <= {sentence.split(" holds the ")[1] for sentence in found}
