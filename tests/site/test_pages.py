"""The site as a person meets it: opened from disk in Chromium, the network off (see open_page)."""

from __future__ import annotations

import build_site
import pytest

pytestmark = pytest.mark.site

NOTEBOOKS = sorted((build_site.ROOT / "notebooks").glob("*.ipynb"))
LESSONS = [f"notebooks/{path.stem}.html" for path in NOTEBOOKS]
JAPANESE = [f"ja/notebooks/{path.stem}.html" for path in sorted(build_site.notebooks("ja").glob("*.ipynb"))]
EXPLORER = "notebooks/06_local_against_global.html"
WITH_FRAMES = [f"notebooks/{path.stem}.html" for path in NOTEBOOKS if "<iframe" in path.read_text(encoding="utf-8")]
SIZES = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
# Formulas of the page, those that MathJax set, those it could not read, and whether each is a visible drawing.
# A figure may be wider than a phone, to be readable, if its own box scrolls and stays on the page.
PICTURE = """image => {
    const box = image.closest('.output') || image;
    const right = element => element.getBoundingClientRect().right;
    return [image.naturalWidth, right(image), right(box), getComputedStyle(box).overflowX];
}"""
FORMULAS = """() => [
  document.querySelectorAll(".math").length,
  document.querySelectorAll("mjx-container").length,
  document.querySelectorAll("mjx-container [data-mml-node=merror]").length,
  [...document.querySelectorAll("mjx-container > svg")].every((svg) => svg.getBoundingClientRect().width > 2),
]"""
BACKGROUND = "(element) => getComputedStyle(element).backgroundColor"
CARD = """() => [...document.querySelectorAll("body, body *")]
    .map((element) => getComputedStyle(element).backgroundColor).find((colour) => !colour.endsWith(", 0)"))"""
# Words of tables that stand on two lines; Japanese has no spaces, and a file's path in small print may break.
BROKEN = """() => {
    const broken = [];
    for (const cell of document.querySelectorAll(".cell_output :is(th, td)")) {
        const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            if (texts.currentNode.parentElement.closest("small, [lang=ja]")) continue;
            for (const { 0: word, index } of texts.currentNode.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
                const range = document.createRange();
                range.setStart(texts.currentNode, index);
                range.setEnd(texts.currentNode, index + word.length);
                if (range.getClientRects().length > 1) broken.push(word);
            }
        }
    }
    return broken;
}"""


def settle(page) -> None:
    """Wait until MathJax, where the page has it, has set the formulas."""
    page.evaluate("() => window.MathJax?.startup?.promise")


def toggle_theme(page) -> None:
    page.locator(".theme-toggle:visible").first.click()


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize(
    "name", ["index.html", "ask.html", "search.html", *LESSONS, "ja/index.html", "ja/search.html", *JAPANESE]
)
def test_a_page_opens_whole_and_never_scrolls_sideways(open_page, name, width) -> None:
    page = open_page(name, width)
    settle(page)
    whole, seen = page.evaluate(SIZES)
    assert whole <= seen
    for frame in page.frames[1:]:
        whole, seen = frame.evaluate(SIZES)
        assert whole <= seen, "inside a frame"
    for picture in page.locator("article img").all():
        drawn, right, box_right, beyond = picture.evaluate(PICTURE)
        assert drawn > 100
        assert box_right <= width
        assert right <= width or beyond == "auto", "wider than the page, in a box that does not scroll"
    assert page.evaluate(BROKEN) == []
    formulas, drawn, wrong, visible = page.evaluate(FORMULAS)
    assert (drawn, wrong, visible) == (formulas, 0, True)


def test_a_formula_is_also_there_for_a_screen_reader(open_page) -> None:
    page = open_page("notebooks/07_how_vision_meets_language.html")
    settle(page)
    assert page.locator("mjx-container mjx-assistive-mml math").count() == page.locator(".math").count() > 0


def test_a_click_in_the_explorer_changes_its_read_out(open_page) -> None:
    frame = open_page(EXPLORER).frame_locator(".cell_output iframe").first
    caption, numbers = frame.locator("caption"), frame.locator("tbody")
    before = caption.text_content(), numbers.text_content()
    frame.locator("canvas").first.click(position={"x": 10, "y": 10})
    assert caption.text_content() == "Cell (0, 0)" != before[0]
    assert numbers.text_content() != before[1]


def test_the_first_page_answers_a_question(open_page) -> None:
    frame = open_page("index.html").frame_locator(".ask-frame")
    frame.locator(".answer", has_text="yes").wait_for()
    frame.locator("#question-line").fill("which column is blue")
    frame.locator(".answer", has_text="5").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_model_on_the_first_page_follows_the_choice_of_theme(open_page, scheme) -> None:
    page = open_page("index.html", color_scheme=scheme)
    card = page.frame_locator(".ask-frame").locator(".card").first
    before = card.evaluate(BACKGROUND)
    toggle_theme(page)
    page.frames[1].wait_for_function("document.documentElement.style.colorScheme !== ''")
    assert card.evaluate(BACKGROUND) != before


def test_the_page_that_answers_is_there_to_look_inside_and_to_keep(open_page, site) -> None:
    page = open_page("index.html")
    page.get_by_role("link", name="take the guided tour").click()
    page.wait_for_url("**/ask.html*")
    page.locator(".answer", has_text="square").wait_for()
    assert (site / "ask.html").stat().st_size <= 2_000_000


def test_the_search_finds_a_word_of_the_lessons_and_leads_there(open_page) -> None:
    page = open_page("index.html")
    page.locator("input[name=q]:visible").fill("receptive")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=receptive*")
    results = page.locator("#search-results .search li a")
    results.first.wait_for()
    results.filter(has_text="02 · How far does a convolution see?").first.click()
    page.wait_for_url("**/notebooks/*.html*")
    assert "receptive" in page.locator("article").text_content().lower()


def test_the_japanese_search_finds_words_inside_a_sentence(open_page) -> None:
    page = open_page("ja/index.html")
    page.locator("input[name=q]:visible").fill("自己注意")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ja/search.html?q=*")
    page.locator("#search-results .search li a", has_text="04 · 一つの数からたどる注意機構").first.click()
    page.wait_for_url("**/ja/notebooks/04_*.html*")
    assert "自己注意" in page.locator("article").text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_a_choice_that_every_page_and_every_frame_follows(open_page, scheme) -> None:
    page = open_page(EXPLORER, color_scheme=scheme)
    card = page.frame_locator(".cell_output iframe").first.locator(".pv")
    system = page.locator("body").evaluate(BACKGROUND), card.evaluate(BACKGROUND)
    toggle_theme(page)
    chosen = page.locator("body").evaluate(BACKGROUND), card.evaluate(BACKGROUND)
    assert chosen[0] != system[0]
    assert chosen[1] != system[1]
    page.locator(".next-page").click()
    page.wait_for_url("**/07_*.html")
    assert page.locator("body").evaluate(BACKGROUND) == chosen[0]
    toggle_theme(page)
    assert page.locator("body").evaluate(BACKGROUND) == system[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", WITH_FRAMES)
def test_every_frame_follows_the_choice_of_theme(open_page, name, scheme) -> None:
    page = open_page(name, color_scheme=scheme)
    frames = page.frames[1:]
    assert frames
    system = [frame.evaluate(CARD) for frame in frames]
    toggle_theme(page)
    for frame, before in zip(frames, system, strict=True):
        assert frame.evaluate(CARD) != before


def test_the_whole_course_can_be_walked_from_page_to_page(open_page) -> None:
    page = open_page("index.html")
    for name in LESSONS:
        page.locator(".next-page").click()
        page.wait_for_url(f"**/{name}")


def test_a_phone_reaches_every_lesson_through_the_menu(open_page) -> None:
    page = open_page("index.html", 400)
    assert not page.locator(".sidebar-tree").is_visible() or page.locator(".sidebar-drawer").bounding_box()["x"] < 0
    page.locator(".mobile-header .nav-overlay-icon").click()
    page.locator(".sidebar-tree a", has_text="06 · Local against global").click()
    page.wait_for_url(f"**/{EXPLORER}")
