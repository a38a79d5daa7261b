"""The decks that `make lecture` built, opened from disk with the network off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import launch_chromium, offline_pages
from support.decks import measure, open_deck, show

from lecture.deck import deck, write_shared
from lecture.instructor import EDITION
from lecture.plan import minutes_of
from lecture.polls import read_bank
from lecture.slides import CUTS, Slide, read_slides
from vlmteach.course import LESSONS, Lesson

pytestmark = pytest.mark.lecture

SMALLEST_FONT = 24  # pixels of a slide that is 720 high
SMALLEST_IN_A_FIGURE = 16  # where larger ones would touch: 24 pixels of a screen of 1920 × 1080
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    with offline_pages(chromium) as new_page:
        yield new_page


@pytest.fixture
def open_lesson(new_page) -> Callable[..., Page]:
    def open_one(lesson: Lesson, query: str = "") -> Page:
        page = new_page()
        open_deck(page, EDITION / "slides" / f"{lesson.number:02d}.html", query)
        return page

    return open_one


@each_lesson
def test_no_slide_overflows_and_its_letters_can_be_read_from_the_last_row(open_lesson, lesson: Lesson) -> None:
    slides, live = measure(open_lesson(lesson)), trained_live(lesson)
    assert len(slides) > 8
    assert [slide for slide in slides if slide.overflows] == []
    assert min(slide.font for slide in slides) >= SMALLEST_FONT
    small = [slide for slide in slides if slide.letters is not None and slide.letters < SMALLEST_IN_A_FIGURE]
    assert [slide for slide in small if slide.letters or slide.title not in live] == []


def trained_live(lesson: Lesson) -> set[str]:
    """Titles of slides whose figure comes out otherwise on another machine, and is then the notebook's."""
    cells = ((slide.title, slide.cell) for slide in read_slides(lesson))
    return {title for title, cell in cells if cell and "nbval-ignore-output" in cell.metadata.get("tags", [])}


def planted(title: str, text: str) -> Slide:
    return Slide(title, text, "Say it.", 20, 1, (), None, "", "", "", "")


def test_a_planted_overflow_and_small_letters_are_found(new_page, tmp_path: Path) -> None:
    write_shared(tmp_path / "shared")
    slides = [
        planted("Fits", "One sentence."),
        planted("Too high", "\n".join("- a line of a list" for _ in range(14))),
        planted("Too wide", f"`{'x' * 90}`"),
        planted("Too small", '<p style="font-size: 12px">Small.</p>'),
    ]
    (tmp_path / "planted.html").write_text(deck(LESSONS[1], slides, {}), "utf-8")
    page = new_page()
    open_deck(page, tmp_path / "planted.html")
    _, fits, high, wide, small = measure(page)
    assert not fits.overflows
    assert high.overflows
    assert high.bottom > 720
    assert wide.right > 1280
    assert small.font == 12


@each_lesson
@pytest.mark.parametrize("cut", CUTS)
def test_the_address_chooses_the_length(open_lesson, lesson: Lesson, cut: int) -> None:
    page = open_lesson(lesson, f"?cut={cut}")
    spent = minutes_of(read_slides(lesson), read_bank(lesson), cut)
    assert page.evaluate("window.Reveal.getTotalSlides()") == spent.slides + 1
    seconds = page.evaluate("[...document.querySelectorAll('.slides section')].map((s) => +s.dataset.timing)")
    assert sum(seconds) == 60 * spent.total


def test_a_poll_answers_and_lets_the_clicker_go_on(open_lesson) -> None:
    page = open_lesson(LESSONS[1])
    page.evaluate("window.Reveal.slide(2)")
    reasons = page.locator("section.present .why:visible")
    assert reasons.count() == 0
    page.locator("section.present .options button").first.click()
    assert reasons.count() == 1
    page.locator("section.present .options button").nth(2).click()
    assert reasons.count() == 1
    page.keyboard.press("ArrowRight")
    assert reasons.count() == 2, "the right one beside the chosen one"
    assert page.locator("section.present .settled[data-right] .why:visible").count() == 1
    page.keyboard.press("PageDown")  # what a clicker sends
    assert page.evaluate("window.Reveal.getIndices().h") == 3
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    assert reasons.count() == 0, "before the answer nothing is given away"


def test_a_finger_goes_on_after_a_poll(new_page) -> None:
    page = new_page(has_touch=True)
    open_deck(page, EDITION / "slides" / "01.html")
    page.evaluate("window.Reveal.slide(2)")
    page.locator("section.present .options button").first.tap()
    page.locator(".navigate-right").tap()
    page.locator(".navigate-right").tap()
    assert page.evaluate("window.Reveal.getIndices().h") == 3


def test_the_speakers_window_has_notes_next_slide_and_pace_and_steps_the_room(open_lesson) -> None:
    page = open_lesson(LESSONS[1], "?cut=20")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    speaker.locator(".speaker-controls-notes .value", has_text="begins with the next slide").wait_for()
    page.keyboard.press("ArrowRight")
    speaker.locator(".speaker-controls-notes .value", has_text="the article's own sentence").wait_for()
    speaker.locator(".pacing.ahead, .pacing.on-track, .pacing.behind").wait_for()
    assert all("cut=20" in frame.url for frame in speaker.frames[1:])
    assert len(speaker.frames) == 3
    speaker.keyboard.press("ArrowRight")
    page.wait_for_function("window.Reveal.getIndices().h === 2")


def test_an_explorer_stands_large_and_answers_on_its_slide(open_lesson) -> None:
    page = open_lesson(LESSONS[6])
    index = page.evaluate(
        "[...document.querySelectorAll('.slides section')].findIndex((s) => s.querySelector('.explorer'))"
    )
    show(page, index)
    frame = page.frame_locator("section.present iframe")
    sizes = frame.locator(".pv :is(h3, th, td, .layer, .unit)").evaluate_all(
        "(all) => all.filter((each) => each.offsetParent).map((each) => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert min(sizes) >= 20
    assert page.locator("section.present iframe").evaluate("(e) => getComputedStyle(e).transform") == "none"
    before = frame.locator("caption").text_content()
    frame.locator("canvas").first.click(position={"x": 10, "y": 10})
    assert frame.locator("caption").text_content() != before


def test_the_handout_has_every_slide_and_its_notes_on_pages_of_their_own(open_lesson) -> None:
    page = open_lesson(LESSONS[1], "?print-pdf&handout&cut=20")
    page.wait_for_selector(".pdf-page .speaker-notes-pdf, .speaker-notes-pdf")
    slides = minutes_of(read_slides(LESSONS[1]), read_bank(LESSONS[1]), 20).slides + 1
    assert page.locator(".pdf-page > section").count() == slides
    assert page.locator(".speaker-notes-pdf").count() == slides
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") + pdf.count(b"/Type/Page/") >= slides
