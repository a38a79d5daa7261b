"""Polls for a learning platform and for paper, read back: every question, its right option, and all reasons."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from support.browser import FLAGS, find_chromium

from lecture.deck import markdown_line
from lecture.exports import gift, moodle, page, save_qti
from lecture.polls import Option, Poll, read_bank
from lecture.slides import title_of
from vlmteach.course import LESSONS, Lesson

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
SPECIAL = Poll(
    "01-special",
    "Is {a: b} ~ c = #1 \\ 100 %?",
    1,
    (Option("<b> & 'c' = 5 ~ 6", "Because {x} # y: z.", right=True), Option("$x^2$", "No \\ backslash.")),
)


def bank(lesson: Lesson) -> list[Poll]:
    return list(read_bank(lesson).values())


def from_gift(text: str) -> list[Poll]:
    """A reader of its own, for the part of GIFT that is written here: {, }, ~, =, # and : count unless escaped."""
    plain = "".join(f"\0{ord(found[1])}\0" if found[0] == "\\" else found for found in re.findall(r"\\.|[^\\]", text))
    back = lambda part: re.sub(r"\0(\d+)\0", lambda code: chr(int(code[1])), part).strip()  # noqa: E731
    polls = []
    for name, ask, body in re.findall(r"::([^:]*):: \[markdown\]([^{]*)\{([^}]*)\}", plain):
        options = [
            Option(back(say), back(why), right=sign == "=")
            for sign, say, why in re.findall(r"([=~])\[markdown\]([^#=~]*)#([^=~]*)", body)
        ]
        polls.append(Poll(back(name), back(ask), 0, tuple(options)))
    return polls


@each_lesson
def test_gift_is_read_back_word_for_word(lesson: Lesson) -> None:
    assert said(from_gift(gift(lesson, bank(lesson)))) == said(bank(lesson))


def said(polls: list[Poll]) -> list[tuple]:
    return [(poll.id, poll.ask, [(each.say, each.why, each.right) for each in poll.options]) for poll in polls]


def test_gift_escapes_what_means_something_to_it() -> None:
    assert said(from_gift(gift(LESSONS[1], [SPECIAL]))) == said([SPECIAL])


@pytest.mark.parametrize("polls", [*map(bank, LESSONS), [SPECIAL]])
def test_moodles_xml_is_read_back_as_the_same_questions(polls: list[Poll]) -> None:
    category, *questions = ElementTree.fromstring(moodle(LESSONS[1], polls)).findall("question")
    assert category.findtext("category/text") == f"$course$/{title_of(LESSONS[1])}"
    assert [question.get("type") for question in questions] == ["multichoice"] * len(polls)
    for question, poll in zip(questions, polls, strict=True):
        assert question.findtext("name/text") == poll.id
        assert question.findtext("questiontext/text") == markdown_line(poll.ask)
        answers = [
            (answer.findtext("text"), answer.findtext("feedback/text"), answer.get("fraction"))
            for answer in question.findall("answer")
        ]
        assert answers == [
            (markdown_line(each.say), markdown_line(each.why), "100" if each.right else "0") for each in poll.options
        ]


@pytest.mark.lecture
@pytest.mark.parametrize("polls", [*map(bank, LESSONS), [SPECIAL]])
def test_canvas_gets_every_question_with_its_right_option_and_all_reasons(polls: list[Poll], tmp_path: Path) -> None:
    save_qti(LESSONS[1], polls, tmp_path / "quiz.zip")
    with zipfile.ZipFile(tmp_path / "quiz.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".xml") and "meta" not in name and "/" in name]
        (tree,) = (ElementTree.fromstring(archive.read(name)) for name in names)
    space = {"q": "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"}
    items = tree.findall(".//q:item", space)
    assert [item.get("title") for item in items] == [poll.id for poll in polls]
    for item, poll in zip(items, polls, strict=True):
        labels = item.findall(".//q:response_label", space)
        assert len(labels) == len(poll.options)
        scored = [
            condition.findtext(".//q:varequal", namespaces=space)
            for condition in item.findall(".//q:respcondition", space)
            if condition.find("q:setvar", space) is not None
        ]
        assert scored == [labels[[option.right for option in poll.options].index(True)].get("ident")]
        assert len(item.findall("q:itemfeedback", space)) == len(poll.options)


@each_lesson
def test_a_page_hides_its_reasons_and_a_key_shows_them(lesson: Lesson) -> None:
    for key in (False, True):
        shown = BeautifulSoup(page(lesson, bank(lesson), key), "html.parser")
        reasons = shown.select(".why")
        assert len(reasons) == sum(len(poll.options) for poll in bank(lesson))
        assert all(reason.has_attr("hidden") is not key for reason in reasons)
        assert len(shown.select("li[data-right]")) == len(bank(lesson))
        told = [reason.get_text().startswith("Right. ") for reason in reasons]
        assert told == [option.right for poll in bank(lesson) for option in poll.options]


@pytest.mark.lecture
def test_a_quiz_answers_from_disk_and_remembers_the_choice() -> None:
    from lecture.instructor import EDITION

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        context = browser.new_context(offline=True)
        quiz = context.new_page()
        for _ in range(2):
            quiz.goto((EDITION / "quizzes" / "01.html").as_uri())
            chosen = quiz.locator("input:checked")
            if not chosen.count():
                quiz.locator("input").first.check()
            assert quiz.locator(".why:visible").count() == 1
        quiz.emulate_media(media="print")
        assert quiz.locator(".why:visible").count() == 0
        assert quiz.locator(".name").is_visible()
        quiz.goto((EDITION / "quizzes" / "01-key.html").as_uri())
        assert quiz.locator(".why:visible").count() == quiz.locator("input").count()
        browser.close()
