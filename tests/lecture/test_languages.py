"""Slides, polls and plan in other languages: the same lecture, what the notebook of that language shows, its words."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from editions import Edition, editions, lecture_name

from lecture.__main__ import main
from lecture.deck import deck
from lecture.exports import gift, moodle, page, title_of
from lecture.instructor import plan_page, write_edition
from lecture.polls import read_bank
from lecture.slides import Slide, executed, read_slides
from vlmteach.course import LESSONS, Lesson
from vlmteach.language import columns_of, use_language

each_lecture = pytest.mark.parametrize(
    ("edition", "lesson"),
    [
        pytest.param(edition, lesson, id=f"{edition.language}-{lesson.number:02d}")
        for edition in editions()
        for lesson in edition.lectures
    ],
)


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use_language("en")


@cache
def slides_of(lesson: Lesson, edition: Edition | None = None) -> list[Slide]:
    return read_slides(lesson, edition)


@each_lecture
def test_its_slides_are_the_english_ones_in_other_words(edition: Edition, lesson: Lesson) -> None:
    words = {"title": "", "text": "", "notes": "", "section": "", "cell": None, "next_cell": ""}
    english, its = slides_of(lesson), slides_of(lesson, edition)
    assert [replace(slide, **words) for slide in its] == [replace(slide, **words) for slide in english]
    assert [slide for slide in its if not edition.letters.search(slide.title + slide.text)] == []
    assert [slide for slide in its if not edition.letters.search(slide.notes)] == []


@each_lecture
def test_its_slides_show_the_notebook_of_its_language(edition: Edition, lesson: Lesson) -> None:
    use_language(edition.language)
    shown = deck(lesson, slides_of(lesson, edition), read_bank(lesson, edition))
    deck_page = BeautifulSoup(shown, "html.parser")
    assert deck_page.html["lang"] == edition.language
    assert edition.letters.search(deck_page.title.get_text())
    sources = "".join(str(cell.get("outputs")) for cell in executed(lesson, edition).cells)
    pictures = [picture["src"].partition(",")[2] for picture in deck_page.select("figure img")]
    assert pictures
    assert all(picture in sources.replace("\\n", "") for picture in pictures)
    assert [picture["alt"] for picture in deck_page.select("img") if not edition.letters.search(picture["alt"])] == []
    assert "Right." not in shown


@each_lecture
def test_its_polls_have_the_same_right_answer_in_every_form(edition: Edition, lesson: Lesson) -> None:
    english, its = read_bank(lesson), read_bank(lesson, edition)
    assert [(poll.id, poll.minutes, poll.see) for poll in its.values()] == [
        (poll.id, poll.minutes, poll.see) for poll in english.values()
    ]
    for one, other in zip(its.values(), english.values(), strict=True):
        assert [option.right for option in one.options] == [option.right for option in other.options]
        assert edition.letters.search(one.ask)
        assert all(edition.letters.search(option.why) for option in one.options)
    use_language(edition.language)
    polls = list(its.values())
    for written in (gift(lesson, polls), moodle(lesson, polls), page(lesson, polls), page(lesson, polls, key=True)):
        assert title_of(lesson) in written
        assert lesson.title not in written
        assert "Right." not in written
        assert not any(poll.ask in written for poll in english.values())


def minutes_in(plan: str) -> list[list[str]]:
    """The cells of a plan that hold numbers alone."""
    rows = [line.strip("|").split("|") for line in plan.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row if re.fullmatch(r"[\d,+=: ]+", cell)] for row in rows]


@pytest.mark.parametrize("edition", editions(), ids=lambda edition: edition.language)
def test_a_plan_has_the_english_minutes(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lecture.instructor.read_slides", slides_of)
    english = plan_page(edition.lectures)
    use_language(edition.language)
    its = plan_page(edition.lectures, edition)
    assert minutes_in(its) == minutes_in(english)
    assert [line for line in its.splitlines() if len(line) > 40 and not edition.letters.search(line)] == []


@pytest.fixture
def copy(tmp_path: Path) -> Edition:
    """An edition to be changed, with one lecture."""
    edition = editions()[0]
    shutil.copytree(edition.folder, tmp_path / edition.language)
    return Edition(edition.language, tmp_path / edition.language)


@pytest.mark.parametrize(("old", "read"), [("What to keep", read_slides), ("None of them", read_bank)])
def test_a_message_without_its_translation_is_no_slide_and_no_poll(copy: Edition, old: str, read) -> None:
    path = copy.catalogue_path(lecture_name(LESSONS[0]))
    text, message = path.read_text("utf-8"), f'msgid "{old}"'
    assert message in text
    path.write_text(text.replace(message, f"#, fuzzy\n{message}"), "utf-8")
    with pytest.raises(KeyError, match=f"00_lecture.po and 00_start_here.po: no translation of '{old}'"):
        read(LESSONS[0], copy)


def test_what_is_written_holds_the_chosen_lectures_and_links_to_files_that_are_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lecture.instructor.figures_of", lambda *_: {})  # drawing them again runs the lesson
    monkeypatch.setattr("lecture.instructor.save_qti", lambda _lesson, _polls, path: path.touch())
    monkeypatch.setattr("lecture.instructor.build_site.write_ask", lambda folder: None)
    # reveal.js comes with the extra "lecture", which tests do without
    monkeypatch.setattr("lecture.instructor.write_shared", lambda folder: folder.mkdir(parents=True))
    edition = editions()[0]
    use_language(edition.language)
    write_edition(edition, edition.lectures[:1], tmp_path / "new")
    first = BeautifulSoup((tmp_path / "new" / "index.html").read_text("utf-8"), "html.parser")
    links = [link["href"] for link in first.select("a[href]")]
    assert len(links) == 9
    assert [link for link in links if not (tmp_path / "new" / re.split(r"[?#]", link)[0]).is_file()] == []
    assert first.html["lang"] == edition.language


@pytest.mark.parametrize("asked", [["--language", "xx"], ["--language", "en"]])
def test_a_language_that_there_is_not_is_refused(asked: list[str], capsys) -> None:
    with pytest.raises(SystemExit):
        main(asked)
    assert f"invalid choice: '{asked[1]}'" in capsys.readouterr().err


def test_a_lecture_that_an_edition_lacks_is_refused(capsys, monkeypatch) -> None:
    class Empty(Edition):
        lectures = ()

    edition = editions()[0]
    monkeypatch.setattr("lecture.__main__.editions", lambda: [Empty(edition.language, edition.folder)])
    with pytest.raises(SystemExit):
        main(["--language", edition.language, "00"])
    assert f"there is no lesson [0] in {edition.name}" in capsys.readouterr().err


def test_a_japanese_letter_is_as_wide_as_two_latin_ones() -> None:
    assert [columns_of(text) for text in ("", "ViT", "トークン", "CNNと、ViT")] == [0, 3, 8, 10]
