"""Figures drawn again for slides: letters as large as the text beside them, and nothing but what was measured."""

from __future__ import annotations

import base64
import io
import pickle
from dataclasses import replace
from pathlib import Path

import build_lessons
import numpy as np
import pytest
from editions import editions
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from lecture import figures
from lecture.deck import deck
from lecture.figures import LETTERS, SHARP, WIDTH, enlarged, figures_of, room_below, texts_of, troubles
from lecture.slides import Shown, Slide
from vlmteach.course import LESSONS
from vlmteach.views import new_figure
from vlmteach.views.style import describe

LESSON = LESSONS[1]
ROOM = 571


def a_plot(height: float = 3.0, labels: int = 3) -> Figure:
    figure, axes = new_figure(height=height)
    axes.bar(np.arange(labels), np.arange(labels) + 1)
    axes.set_xticks(np.arange(labels), [f"encoder {label}" for label in range(labels)], fontsize=9)
    axes.set_title("Large already", fontsize=20)
    return describe(figure, f"{labels} bars.")


def size_of(png: str) -> tuple[float, float]:
    """Of a picture, in pixels of the slide."""
    width, height = Image.open(io.BytesIO(base64.b64decode(png))).size
    return width / SHARP, height / SHARP


def test_the_smallest_letters_are_those_of_the_slide_and_larger_ones_stay() -> None:
    kept = pickle.dumps(a_plot())
    drawn = enlarged(kept, ROOM)
    assert drawn.letters == pytest.approx(LETTERS * SHARP)
    assert size_of(drawn.png)[0] == pytest.approx(WIDTH, abs=1)
    figure = pickle.loads(kept)
    figures._raise_letters(figure, 15)
    assert {text.get_fontsize() for text in texts_of(figure)} == {15, 20}


@pytest.mark.parametrize("height", [1.5, 3.0, 5.0, 9.0])
@pytest.mark.parametrize("layout", ["constrained", "none"])
def test_a_figure_stays_in_its_room(height: float, layout: str) -> None:
    figure = a_plot(height)
    figure.set_layout_engine(layout)
    drawn = enlarged(pickle.dumps(figure), ROOM)
    wide, high = size_of(drawn.png)
    assert wide <= WIDTH + 1
    assert high <= ROOM + 1
    assert drawn.letters == pytest.approx(LETTERS * SHARP)


def test_letters_that_would_touch_are_as_large_as_they_can_be_and_say_so() -> None:
    kept = pickle.dumps(a_plot(labels=10))
    drawn = enlarged(kept, ROOM)
    letters = round(drawn.letters / SHARP)
    assert 10 < letters < LETTERS
    for size, free in ((letters, True), (letters + 1, False)):
        figure = pickle.loads(kept)
        figures._raise_letters(figure, size * 72 / (WIDTH / 9))
        assert (troubles(figure) <= troubles(pickle.loads(kept))) == free


def test_what_touches_sticks_out_of_its_box_or_leaves_the_figure_is_found() -> None:
    axes = (figure := Figure(figsize=(6, 3))).add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.add_patch(Rectangle((0.4, 0.2), 0.3, 0.3))
    axes.text(0.42, 0.3, "inside")
    axes.text(0.1, 0.8, "first word")
    assert troubles(figure) == set()
    axes.text(0.15, 0.8, "second word")
    axes.text(0.9, 0.9, "a long sentence at the edge")
    axes.text(0.45, 0.4, "wider than its box, so it sticks out")
    axes.text(0.1, 0.8, "hidden").set_visible(False)
    assert troubles(figure) == {
        ("touches", "first word", "second word"),
        ("outside", "a long sentence at the edge"),
        ("sticks out", "wider than its box, so it sticks out"),
    }


def slide_of(cell, **changes) -> Slide:
    slide = Slide("Title", "", "Say it.", 20, 3, (Shown("figure"),), cell, cell.id, "", "", "")
    return replace(slide, **changes)


def test_text_above_a_figure_takes_of_its_room() -> None:
    cell = new_code_cell("")
    assert room_below(slide_of(cell)) == 571
    one, two = (room_below(slide_of(cell, text=text)) for text in ("One line.", "word " * 20))
    assert 571 > one > two > 400
    assert room_below(slide_of(cell, text="One.\n\nTwo.")) < two


PLOT = """
import io
from matplotlib.figure import Figure
for alt in ("drawn while it runs", {alt!r}):
    figure = Figure()
    figure.set_label(alt)
    figure.savefig(io.BytesIO())
"""


def test_a_lesson_runs_once_and_only_what_came_out_as_committed_is_taken(monkeypatch, tmp_path: Path, capsys) -> None:
    cells = [new_code_cell("1 + 1"), *(new_code_cell(PLOT.format(alt=alt)) for alt in ("the same", "something new"))]
    for cell, alt in zip(cells[1:], ("the same", "as it was"), strict=True):
        cell.outputs = [new_output("display_data", {"text/html": f'<img alt="{alt}" src="data:,">'})]
    committed, runs = new_notebook(cells=cells), []

    def read_source(_lesson, edition):
        runs.append(edition)
        return new_notebook(cells=[new_code_cell(cell.source, id=cell.id) for cell in cells])

    monkeypatch.setattr(figures, "KEPT", tmp_path)
    monkeypatch.setattr(figures, "executed", lambda lesson, edition: committed)
    monkeypatch.setattr(build_lessons, "read_source", read_source)
    slides = [slide_of(cell, title=cell.source[:5], show=(Shown("figure"),)) for cell in cells]
    for _again in range(2):
        assert list(figures_of(LESSON, slides)) == [cells[1].id]
        assert "drawn again its figure differs" in capsys.readouterr().out
    assert runs == [None]
    (other, *_rest) = editions()
    for edition in (other, None, other):
        assert list(figures_of(LESSON, slides, edition)) == [cells[1].id]
    assert runs == [None, other], "what a language shows is kept beside what others do"
    committed.cells[0].outputs = [new_output("stream", text="2")]
    monkeypatch.setattr(figures, "_run", lambda lesson, folder, edition: folder.mkdir())
    assert figures_of(LESSON, slides) == {}
    assert len(list(tmp_path.glob("[0-9]*"))) == 1, "of what a lesson was before nothing is kept"


def test_a_deck_shows_the_drawn_figure_and_tells_its_letters() -> None:
    cell = new_code_cell(outputs=[new_output("display_data", {"text/html": '<img alt="3 bars." src="data:,old">'})])
    drawn = enlarged(pickle.dumps(a_plot()), ROOM)
    page = deck(LESSON, [slide_of(cell)], {}, {cell.id: drawn})
    assert f'<img alt="3 bars." data-letters="36.00" src="data:image/png;base64,{drawn.png}">' in page
    assert "data:,old" in deck(LESSON, [slide_of(cell)], {})
