"""The figures of a lesson drawn again for its slides, with letters for the last row of a room.

A committed notebook holds pictures for reading at a desk. So a lesson runs once more and its figures are kept as
matplotlib has them; `enlarged` then draws each with letters of LETTERS pixels, as high as its slide has room. A slide
shows such a figure only where its description, which is written from the numbers it was drawn from, is word for word
the committed one: it shows what was measured. What was kept serves until the lesson's outputs or matplotlib change.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import math
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import build_lessons
import matplotlib
from editions import Edition
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import BboxBase
from nbclient import NotebookClient
from nbformat import NotebookNode
from slim_pictures import slim

from lecture.slides import Slide, executed, picture_of
from vlmteach.course import Lesson
from vlmteach.language import columns_of
from vlmteach.views.style import use_style

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "figures"
LETTERS = 24  # pixels of a slide of 1280 × 720, as for the text beside a figure
WIDTH = 1180  # pixels of a slide that a figure takes
SHARP = 1.5  # pixels of the picture for one of the slide: a screen of 1920 × 1080
_POINTS = 72  # in an inch
_AIR = (6, 5)  # pixels of a figure that two texts in a line, and two below each other, stay apart
_ROOM, _TITLE = 571, 51  # pixels below a title of one line, and what its second line takes
_LINE, _GAP, _CHARACTERS = 47, 16, 78  # of text: height of a line and below a paragraph, characters that a line holds
_KEEP = """
import sys
sys.path.insert(0, {root!r})
from lecture.keep import keep_figures
keep_figures({folder!r})
print("kept")
"""


@dataclass(frozen=True)
class Drawn:
    """A figure as a picture for a slide. png: in base64; letters: size of the smallest, in pixels of the picture."""

    png: str
    letters: float


def figures_of(lesson: Lesson, slides: list[Slide], edition: Edition | None = None) -> dict[str, Drawn]:
    """The figures of these slides by cell, those that came out as committed; says which did not."""
    folder = _kept(lesson, edition)
    use_style()
    found = {}
    for slide in slides:
        picture = picture_of(slide.cell) if slide.cell and any(shown.part == "figure" for shown in slide.show) else None
        if picture is None:
            continue
        same = (kept for kept in _kept_of(folder, slide) if pickle.loads(kept).get_label() == picture[0])
        if kept := next(same, None):
            found[slide.next_cell] = enlarged(kept, room_below(slide))
        else:
            print(f"{lesson.name}, slide {slide.title!r}: drawn again its figure differs, so the notebook's is shown.")
    return found


def room_below(slide: Slide) -> int:
    """The pixels that a slide's title and text leave for a figure, about; a browser measures them in the end."""
    paragraphs = [paragraph for paragraph in slide.text.split("\n\n") if paragraph]
    lines = [3 if "$$" in words else math.ceil(columns_of(words) / _CHARACTERS) for words in paragraphs]
    return _ROOM - _TITLE * (columns_of(slide.title) > 58) - sum(_LINE * count + _GAP for count in lines)


def enlarged(kept: bytes, room: float) -> Drawn:
    """Draw a figure at most `room` pixels high, with letters of LETTERS pixels.

    Where letters would touch then that did not before, or would leave the figure: with the largest that do not.
    """
    before = troubles(pickle.loads(kept))
    for letters, (width, height, scale) in itertools.product(range(LETTERS, 0, -1), _sizes(pickle.loads(kept), room)):
        figure = pickle.loads(kept)
        figure.set_size_inches(width, height)
        _raise_letters(figure, letters * _POINTS / scale)
        if troubles(figure) <= before:
            return _picture(figure, scale)
    raise AssertionError("letters of a pixel touch nothing")


def _sizes(figure: Figure, room: float) -> Iterator[tuple[float, float, float]]:
    """Ways to lay a figure out: width and height in inches, and the pixels of the slide for an inch."""
    width, height = figure.get_size_inches()
    full = WIDTH / width
    if figure.get_layout_engine() is not None:
        yield width, min(height, room / full), full
        if height < room / full:
            yield width, min(1.4 * height, room / full), full
            return
    yield width, height, min(full, room / height)


def _raise_letters(figure: Figure, points: float) -> None:
    """Make every letter that is smaller as large as that."""
    for axis in (axis for axes in figure.findobj(Axes) for axis in (axes.xaxis, axes.yaxis)):
        for which in ("major", "minor"):
            for label in axis.get_ticklabels(minor=which == "minor")[:1]:
                axis.set_tick_params(which=which, labelsize=max(points, label.get_fontsize()))
    for text in figure.findobj(Text):
        text.set_fontsize(max(points, text.get_fontsize()))


def texts_of(figure: Figure) -> list[Text]:
    """The texts that a figure shows. Draws it, so that each knows its place."""
    found: dict[int, Text] = {}
    draw = Text.draw

    def noted(self: Text, renderer: Any, *args: Any, **kwargs: Any) -> None:
        if self.get_visible() and self.get_text().strip():
            found[id(self)] = self
        draw(self, renderer, *args, **kwargs)

    with patch.object(Text, "draw", noted):
        FigureCanvasAgg(figure).draw()
    return list(found.values())


def troubles(figure: Figure) -> set[tuple[str, ...]]:
    """What makes letters hard to read: texts that leave the figure or stick out of a box, and pairs that touch."""
    placed = [(text.get_text(), text.get_window_extent()) for text in texts_of(figure)]
    boxes = [patch.get_window_extent() for patch in figure.findobj(_is_box)]
    whole = figure.bbox.padded(1)
    found: set[tuple[str, ...]] = {("outside", says) for says, place in placed if not _holds(whole, place)}
    for says, place in placed:
        middle = (place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2
        around = [box for box in boxes if box.contains(*middle)]
        if around and not any(_holds(box, place) for box in around):
            found.add(("sticks out", says))
    for (says, place), (other, beside) in itertools.combinations(placed, 2):
        if place.overlaps(beside.padded(*_AIR)):
            found.add(("touches", says, other))
    return found


def _is_box(artist: Artist) -> bool:
    if not isinstance(artist, Rectangle | FancyBboxPatch) or not artist.get_visible() or artist.axes is None:
        return False
    return artist is not artist.axes.patch  # what stands in axes may reach beyond them


def _holds(box: BboxBase, place: BboxBase) -> bool:
    return box.x0 <= place.x0 and place.x1 <= box.x1 and box.y0 <= place.y0 and place.y1 <= box.y1


def _picture(figure: Figure, scale: float) -> Drawn:
    smallest = min((text.get_fontsize() for text in texts_of(figure)), default=math.inf)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=scale * SHARP, metadata={"Software": None})
    png = slim(base64.b64encode(buffer.getvalue()).decode("ascii"))
    return Drawn(png, smallest / _POINTS * scale * SHARP)


def _kept(lesson: Lesson, edition: Edition | None) -> Path:
    """The folder of a lesson's figures, by cell; the lesson runs when there is none of what is committed."""
    outputs = [cell.get("outputs") for cell in executed(lesson, edition).cells]
    key = hashlib.sha256(json.dumps([matplotlib.__version__, outputs], sort_keys=True).encode()).hexdigest()[:16]
    kept = KEPT / edition.language if edition else KEPT
    folder = kept / f"{lesson.number:02d}-{key}"
    if not folder.exists():
        for old in kept.glob(f"{lesson.number:02d}-*"):
            shutil.rmtree(old)
        unfinished = kept / f"{lesson.number:02d}-unfinished"
        _run(lesson, unfinished, edition)
        unfinished.rename(folder)
    return folder


def _kept_of(folder: Path, slide: Slide) -> Iterator[bytes]:
    """What the cell of a slide showed, one after the other: a training shows many figures in one place."""
    return (file.read_bytes() for file in sorted((folder / slide.next_cell).glob("*.pickle")))


def _run(lesson: Lesson, folder: Path, edition: Edition | None) -> None:
    """Run a lesson and keep the figures of each cell in a folder of their own."""
    shown = folder / "shown"
    shown.mkdir(parents=True)
    notebook: NotebookNode = build_lessons.read_source(lesson, edition)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": build_lessons.NOTEBOOKS}})
    with client.setup_kernel():
        build_lessons.ask(client, _KEEP.format(root=str(ROOT), folder=str(shown)))
        for index, cell in enumerate(list(notebook.cells)):
            client.execute_cell(cell, index)
            if any(shown.iterdir()):
                shown.rename(folder / cell.id)
                shown.mkdir()
    shown.rmdir()
