"""Lesson 10 in JupyterLab, its beginning: a person chooses a file, then one that is no picture; the lesson follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from PIL import Image
from playwright.sync_api import Page
from support.lab import errors
from support.picture_files import turned

from vlmteach.course import get_lesson

LESSON = get_lesson(10).name
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SHOWS = "() => [...document.querySelectorAll('.jupyter-widgets img')].some(i => i.alt.startsWith('your picture'))"
NOTES = ".jupyter-widgets .widget-html-content, .jupyter-widgets .jp-RenderedHTMLCommon"

pytestmark = pytest.mark.browser


LAST = "your picture ({state})"  # the last cell that is run again below; what follows shows nothing of another kind


@pytest.fixture(scope="module")
def page(lab) -> Iterator[Page]:
    """The beginning of the lesson after Run All."""
    lesson = nbformat.read(NOTEBOOKS / f"{LESSON}.ipynb", as_version=4)
    (end,) = (index for index, cell in enumerate(lesson.cells) if cell.cell_type == "code" and LAST in cell.source)
    lesson.cells = lesson.cells[: end + 1]
    nbformat.write(lesson, lab.folder / "own_picture.ipynb")
    with lab.ran("own_picture.ipynb") as page:
        yield page


def choose(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(path)


def run_cell(page: Page, containing: str) -> str:
    """Run the one code cell with this text again; returns its output as text."""
    cell = page.locator(".jp-CodeCell").filter(has_text=containing).first
    cell.locator(".jp-InputPrompt").click()
    before = cell.locator(".jp-InputPrompt").inner_text()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "([text, before]) => { const cell = [...document.querySelectorAll('.jp-CodeCell')]"
        ".find(c => c.innerText.includes(text)); const now = cell.querySelector('.jp-InputPrompt').innerText;"
        " return /\\d/.test(now) && now !== before; }",
        arg=[containing, before],
        timeout=60_000,
    )
    return cell.locator(".jp-OutputArea").inner_text()


def test_an_uploaded_picture_is_shown_and_the_cells_below_speak_about_it(page, tmp_path) -> None:
    assert "keeps  84% of the picture" in run_cell(page, "keeps {share:4.0%}")
    called = run_cell(page, LAST)
    (tmp_path / "phone.jpg").write_bytes(turned("JPEG", 6))  # stored lying, shown upright: 12 x 16 pixels
    choose(page, tmp_path / "phone.jpg")
    page.wait_for_function(SHOWS, timeout=30_000)
    notes = " ".join(page.locator(NOTES).all_inner_texts())
    assert "turned upright, as its EXIF orientation (6) asks" in notes
    assert "Run the cells below again" in notes
    assert "keeps  75% of the picture" in run_cell(page, "keeps {share:4.0%}")
    assert run_cell(page, LAST) not in ("", called)
    assert errors(page) == []


def test_a_file_that_is_no_picture_is_refused_in_the_page_and_the_picture_stays(page, tmp_path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "good.png")
    choose(page, tmp_path / "good.png")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jupyter-widgets img')].some(i => i.alt.includes('30 by 40'))"
    )
    (tmp_path / "page.png").write_bytes(b"%PDF-1.7 a page")
    choose(page, tmp_path / "page.png")
    page.get_by_role("alert").filter(has_text="Not taken.").wait_for(timeout=30_000)
    assert "'page.png' cannot be read" in page.get_by_role("alert").first.inner_text()
    assert page.locator(".jupyter-widgets img[alt*='30 by 40']").count() == 1
