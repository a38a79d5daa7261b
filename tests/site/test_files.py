"""The site's files alone: complete, linked, described, small, and asking nobody outside for anything."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import build_site
import nbformat
import pytest
from bs4 import BeautifulSoup

from vlmteach.course import LESSONS

pytestmark = pytest.mark.site

LARGEST_BYTES = 60 * 2**20
NOTEBOOKS = sorted((build_site.ROOT / "notebooks").glob("*.ipynb"))
EVERY = [(code, path) for code in build_site.LANGUAGES for path in sorted(build_site.notebooks(code).glob("*.ipynb"))]
OTHERS = [code for code in build_site.LANGUAGES if code != "en"]
# What a browser fetches by itself, by element; an <a> is left to the reader.
FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "link": "href",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "input": "src",
    "use": "href",
    "image": "href",
}
OUTSIDE = re.compile(r"^\s*(https?:|ftp:|wss?:)?//", re.IGNORECASE)
IN_A_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)
IN_A_SCRIPT = re.compile(
    r"""(?:\bimport|\bfrom|\bimportScripts|\bfetch|\bWorker|\bWebSocket)\s*\(?\s*["'`]((?:https?:|wss?:)?//[^"'`]+)"""
)


@cache
def documents(path: Path) -> list[BeautifulSoup]:
    """A page, then every page that stands inside it in a frame."""
    page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    return [page, *(BeautifulSoup(frame["srcdoc"], "html.parser") for frame in page.select("iframe[srcdoc]"))]


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_lesson_has_a_page_and_a_place_in_the_navigation(site) -> None:
    listed = [link["href"] for link in documents(site / "index.html")[0].select(".sidebar-tree a")]
    tools = ["receptive_field.html", "real_vlms.html", "patchview.html", "asking.html", "trained_weights.html"]
    assert listed == [*(f"notebooks/{path.stem}.html" for path in NOTEBOOKS), *tools]
    assert {f"{lesson.name}.html" for lesson in LESSONS} <= {path.name for path in (site / "notebooks").iterdir()}


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_has_its_lessons_in_the_navigation_and_says_what_it_is(site, language) -> None:
    folder = build_site.site_of(language, site)
    listed = [link["href"] for link in documents(folder / "index.html")[0].select(".sidebar-tree a")]
    assert listed == [f"notebooks/{path.stem}.html" for code, path in EVERY if code == language]
    for path in pages(site):
        assert documents(path)[0].html["lang"] == (language if path.is_relative_to(folder) else "en"), path


@pytest.mark.parametrize("language", OTHERS)
def test_a_lessons_page_leads_to_the_same_lesson_in_the_other_language_and_back(site, language) -> None:
    folder = build_site.site_of(language, site)
    for name in ["index.html", *(f"notebooks/{path.stem}.html" for code, path in EVERY if code == language)]:
        for here, there, code in [(site, folder, language), (folder, site, "en")]:
            links = documents(here / name)[0].select(f'.languages a[hreflang="{code}"]')
            assert [((here / name).parent / link["href"]).resolve() for link in links] == [(there / name).resolve()]


@pytest.mark.parametrize(("language", "notebook"), EVERY, ids=[f"{code}-{path.stem}" for code, path in EVERY])
def test_a_page_shows_every_cell_and_every_picture_of_its_notebook(site, language, notebook) -> None:
    page = documents(build_site.site_of(language, site) / "notebooks" / f"{notebook.stem}.html")[0]
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.outputs]
    pictures = [data for data in outputs if "image/png" in data or "<img" in data.get("text/html", "")]
    frames = [data for data in outputs if "<iframe" in data.get("text/html", "")]
    assert len(page.select(".cell_input")) == len(cells)
    assert len(page.select(".cell_output > .output img")) == len(pictures)
    assert len(page.select(".cell_output iframe")) == len(frames)
    assert "%|" not in "".join(block.get_text() for block in page.select(".cell_output")), "a dead progress bar"


def test_every_link_and_every_picture_leads_to_a_file_of_the_site_and_a_place_in_it(site) -> None:
    places = {path: {tag["id"] for tag in documents(path)[0].select("[id]")} for path in pages(site)}
    for path in pages(site):
        for tag in documents(path)[0].select("a[href], img[src], script[src], link[href], form[action]"):
            address = urlsplit(tag.get("href") or tag.get("src") or tag.get("action"))
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            assert target.is_relative_to(site.resolve()), f"{path.name}: {tag}"
            assert target.is_file(), f"{path.name}: {tag}"
            if address.fragment and target in places:
                assert unquote(address.fragment) in places[target], f"{path.name}: {tag}"


def test_every_picture_carries_a_description(site) -> None:
    for path in pages(site):
        for document in documents(path):
            for picture in document.select("img"):
                assert len(picture.get("alt", "").strip()) > (20 if document.html["lang"] == "en" else 8), (
                    f"{path.name}: {str(picture)[:200]}"
                )
            for frame in document.select("iframe"):
                assert frame.get("title", "").strip(), f"{path.name}: a frame without a title"


def test_no_page_tells_a_browser_to_fetch_from_the_outside(site) -> None:
    for path in pages(site):
        for document in documents(path):
            asked = [tag.get(FETCHED[tag.name], "") for tag in document.select(", ".join(FETCHED))]
            asked += [tag["srcset"] for tag in document.select("[srcset]")]
            assert [address for address in asked if OUTSIDE.match(address)] == [], path.name
            styles = [tag.get_text() for tag in document.select("style")] + [
                tag["style"] for tag in document.select("[style]")
            ]
            assert IN_A_STYLE.findall("\n".join(styles)) == [], path.name
            assert IN_A_SCRIPT.findall("\n".join(tag.get_text() for tag in document.select("script"))) == [], path.name


def test_no_stylesheet_and_no_script_fetches_from_the_outside(site) -> None:
    for path in site.rglob("*"):
        if path.suffix == ".css":
            assert IN_A_STYLE.findall(path.read_text("utf-8")) == [], path.name
        if path.suffix in {".js", ".mjs"}:
            assert IN_A_SCRIPT.findall(path.read_text("utf-8")) == [], path.name


def test_the_pages_with_formulas_bring_the_bundled_mathjax(site) -> None:
    with_formulas = [path for path in pages(site) if documents(path)[0].select(".math")]
    assert with_formulas
    for path in with_formulas:
        scripts = [tag["src"] for tag in documents(path)[0].select("script[src]")]
        assert any(source.partition("?")[0].endswith("_static/mathjax/tex-svg.js") for source in scripts), path.name
    assert (site / "_static" / "mathjax" / "LICENSE").is_file()


def test_the_site_fits_on_a_stick(site) -> None:
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) <= LARGEST_BYTES
