"""Lessons in the real page: JupyterLab in Chromium, Run All, no error, every figure there and every control alive."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page
from support.lab import errors
from support.readable import cut_off

from vlmteach.course import LESSONS, Lesson, get_lesson

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# In `make test` two quick lessons stand for all, and what else lessons show stands in small notebooks: a live figure
# below, the playground, the explorer and a person's picture in the files beside this one. That every cell runs,
# tests/notebooks sees. ALL_LESSONS=1 opens every lesson.
CHOSEN = [lesson for lesson in LESSONS if lesson.number in (0, 3) or "ALL_LESSONS" in os.environ]
LIVE = """
from vlmteach.views import CNN_HUE, LiveFigure, Report, draw_report

live = LiveFigure(lambda share: draw_report(["where"], [0.2], [Report("a model", CNN_HUE, [share])]), every=0.0)
display(live)
for share in (0.3, 0.4, 0.5):
    live.update(share=share)
live.draw_now(share=0.6)
"""
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def ran(request, lab) -> Iterator[Page]:
    """A lesson, the fixture's parameter, after Run All."""
    name = f"{request.param.name}.ipynb"
    shutil.copy(NOTEBOOKS / name, lab.folder)
    with lab.ran(name) as page:
        yield page


def pictures(lesson: Lesson) -> int:
    """How many pictures the built lesson holds."""
    stored = nbformat.read(NOTEBOOKS / f"{lesson.name}.ipynb", as_version=4)
    return sum(
        "<img" in out.get("data", {}).get("text/html", "") or "image/png" in out.get("data", {})
        for cell in stored.cells
        for out in cell.get("outputs", [])
    )


def test_a_live_figure_ends_with_its_last_state(lab) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LIVE)], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "live.ipynb")
    with lab.ran("live.ipynb") as page:
        picture = page.locator(".jupyter-widgets img")
        picture.and_(page.locator("[alt*='0.60']")).wait_for()
        assert picture.count() == 1
        assert picture.evaluate("image => image.complete && image.naturalWidth > 100")


@pytest.mark.parametrize(
    ("ran", "lesson"),
    [(lesson, lesson) for lesson in CHOSEN],
    indirect=["ran"],
    ids=[each.name for each in CHOSEN],
    scope="module",  # or a lesson would run once more for the next test
)
def test_a_lesson_runs_in_the_page_without_an_error_and_shows_its_figures(ran: Page, lesson: Lesson) -> None:
    assert errors(ran) == []
    count = pictures(lesson)
    assert count > 0
    ran.wait_for_function(
        "count => document.querySelectorAll('.jp-OutputArea-output img').length >= count", arg=count, timeout=30_000
    )
    for image in ran.locator(".jp-OutputArea-output img").all():
        assert image.evaluate("image => image.complete && image.naturalWidth > 100")
        assert len(image.get_attribute("alt") or "") > 20
    assert cut_off(ran.locator(".jupyter-widgets :is(button, .widget-label)")) == []


@pytest.mark.parametrize("ran", [get_lesson(3)], indirect=True, ids=["03"])
def test_a_slider_moved_by_keyboard_draws_again(ran: Page) -> None:
    picture = ran.locator(".jupyter-widgets img").first
    picture.wait_for()
    assert "Patch 62 lies in row 4, column 6:" in (picture.get_attribute("alt") or "")
    ran.locator(".jupyter-widgets .noUi-handle, .jupyter-widgets [role=slider]").first.focus()
    ran.keyboard.press("ArrowRight")
    picture.and_(ran.locator("[alt*='Patch 76 lies in row 5, column 6:']")).wait_for()
