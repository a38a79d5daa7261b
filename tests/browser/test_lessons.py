"""Lessons in the real page: JupyterLab in Chromium, Run All, no error, every figure there and every control alive."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from support.lab import errors, jupyterlab, run_all
from support.readable import cut_off

from vlmteach.course import LESSONS

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# In `make test` a few lessons stand for all; ALL_LESSONS=1 opens every one.
CHOSEN = [lesson for lesson in LESSONS if lesson.number in (0, 1, 5, 7) or "ALL_LESSONS" in os.environ]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("notebooks")
    for lesson in CHOSEN:
        shutil.copy(NOTEBOOKS / f"{lesson.name}.ipynb", root)
    with jupyterlab(root, tmp_path_factory.mktemp("lab")) as pattern:
        yield pattern


@pytest.mark.parametrize("lesson", CHOSEN, ids=lambda lesson: lesson.name)
def test_a_lesson_runs_in_the_page_without_an_error_and_shows_its_figures(lesson, chromium, address) -> None:
    stored = nbformat.read(NOTEBOOKS / f"{lesson.name}.ipynb", as_version=4)
    figures = sum(
        "<img" in out.get("data", {}).get("text/html", "") or "image/png" in out.get("data", {})
        for cell in stored.cells
        for out in cell.get("outputs", [])
    )
    page = chromium.new_page(viewport={"width": 1200, "height": 1000})
    console: list[str] = []
    page.on("pageerror", lambda error: console.append(str(error)))
    run_all(page, address.format(name=f"{lesson.name}.ipynb"), seconds=600)
    images = page.locator(".jp-OutputArea-output img")
    page.wait_for_function(
        "count => document.querySelectorAll('.jp-OutputArea-output img').length >= count", arg=figures, timeout=30_000
    )
    assert errors(page) == []
    assert console == []
    assert figures > 0
    for index in range(images.count()):
        assert images.nth(index).evaluate("image => image.complete && image.naturalWidth > 100")
        assert len(images.nth(index).get_attribute("alt") or "") > 20
    assert cut_off(page.locator(".jupyter-widgets :is(button, .widget-label)")) == []
    page.close()


def test_a_slider_moved_by_keyboard_draws_again(chromium, address) -> None:
    page = chromium.new_page(viewport={"width": 1200, "height": 1000})
    run_all(page, address.format(name="01_from_feature_map_to_tokens.ipynb"), seconds=600)
    picture = page.locator(".jupyter-widgets img").first
    picture.wait_for()
    assert (picture.get_attribute("alt") or "").startswith("Token 105 is row 7, column 7")
    page.locator(".jupyter-widgets .noUi-handle, .jupyter-widgets [role=slider]").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => /Token 119 is row 8/.test(document.querySelector('.jupyter-widgets img').alt)")
    assert re.match("Token 119 is row 8, column 7", picture.get_attribute("alt") or "")
    page.close()
