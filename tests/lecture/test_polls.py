"""The bank of polls: one right option, a reason behind each, and reasons that agree with the exercises' own."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import build_lessons
import pytest
import yaml
from support.answers import answer_cells

from lecture.polls import Poll, all_polls, read_bank
from vlmteach.course import LESSONS, Lesson
from vlmteach.inpage.page import MODELS
from vlmteach.pictures import Scene, answer_to

PLANTED = [
    (poll.id, option.planted, option.why) for poll in all_polls().values() for option in poll.options if option.planted
]


@cache
def reply(number: str, answer: str) -> str:
    """What an exercise says to an answer."""
    return answer_cells()[number].check(answer).why


def replies(number: str) -> Iterator[str]:
    """What an exercise says to each of its planted mistakes; some take seconds, so only as far as it is asked."""
    module = importlib.import_module(f"support.variants.lesson_{int(number.split('.')[0]):02d}")
    return (reply(number, answer) for _, answer in module.VARIANTS[number].mistakes())


@pytest.mark.parametrize(
    ("poll", "planted", "why"), PLANTED, ids=[f"{poll}: {planted}" for poll, planted, _ in PLANTED]
)
def test_the_reason_of_a_planted_mistake_is_the_one_its_exercise_gives(poll: str, planted: str, why: str) -> None:
    number, _, phrase = planted.partition(": ")
    assert len(phrase.split()) >= 4, "a phrase that short proves nothing"
    assert phrase in why
    assert any(phrase in reply for reply in replies(number))


def predicts(lesson: Lesson) -> list[str]:
    """What a lesson asks before anything moves."""
    cells = build_lessons.read_source(lesson).cells
    return [
        asked
        for cell in cells
        if cell.cell_type == "markdown"
        for asked in re.findall(r"\*\*Predict\.?\*\*(.*)", cell.source)
    ]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_every_predict_of_a_lesson_is_a_poll_and_every_poll_knows_its_predict(lesson: Lesson) -> None:
    polls = [poll for poll in read_bank(lesson).values() if poll.predict]
    asked = predicts(lesson)
    assert asked
    for question in asked:
        assert len([poll.id for poll in polls if poll.predict in question]) == 1, question
    assert len(polls) == len(asked), "a phrase of a Predict that is there no more"


SEEN = [poll for poll in all_polls().values() if poll.see]


@pytest.mark.parametrize("poll", SEEN, ids=lambda poll: poll.id)
def test_what_settles_a_poll_is_a_state_that_the_page_has(poll: Poll) -> None:
    page, _, state = poll.see.partition("#")
    assert page == "ask.html"
    parts = dict(part.split("=") for part in state.split("&"))
    assert parts.keys() <= {"only", "eye", "scene", "ask", "layer", "hide"}
    assert parts["eye"] in MODELS
    things = [thing.split("-") for thing in parts["scene"].split(",")]
    scene = Scene.parse("; ".join(f"{colour} {shape} at row {y}, column {x}" for colour, shape, y, x in things))
    assert answer_to(scene, f"{parts['ask'].replace('-', ' ')} ?")


POLL = """
- id: 01-a
  ask: Which?
  minutes: 2
  options:
    - say: This
      right: true
      why: It is.
    - say: That
      why: It is not.
"""


def bank(folder: Path, text: str):
    (folder / "01.yaml").write_text(text, "utf-8")
    return read_bank(LESSONS[1], folder=folder)


def test_a_poll_is_read_with_a_reason_for_each_option(tmp_path) -> None:
    (poll,) = bank(tmp_path, POLL).values()
    assert (poll.id, poll.ask, poll.minutes, poll.right.say) == ("01-a", "Which?", 2, "This")
    assert [option.why for option in poll.options] == ["It is.", "It is not."]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("      right: true\n", "", "0 of its options are right; expected exactly one"),
        ("      why: It is not.", "      right: true\n      why: It is not.", "2 of its options are right"),
        ("      why: It is not.", "      planted: x", "'why' is missing from the option 'That'"),
        ("say: That", "say: Yes", "'say' is True to YAML"),
        ("why: It is not.", "why: 14", "'why' is 14 to YAML"),
        ("say: That", "say: This", "two of its options say the same"),
        ("id: 01-a", "id: 02-a", "does not begin with 01-"),
        ("  minutes: 2\n", "", "'minutes' is missing"),
        ("minutes: 2", "minutes: 2\n  time: 3", "there is no entry 'time'"),
        ("    - say: That\n      why: It is not.\n", "", "it has 1 options"),
    ],
)
def test_a_poll_that_cannot_be_asked_is_refused(tmp_path, old: str, new: str, says: str) -> None:
    assert old in POLL
    with pytest.raises(ValueError, match=rf"01.yaml, poll '0\d-a': .*{re.escape(says)}"):
        bank(tmp_path, POLL.replace(old, new))


def test_two_polls_of_one_name_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="its id is taken"):
        bank(tmp_path, POLL + POLL)


def test_the_bank_is_plain_yaml_without_anchors() -> None:
    for path in (Path(__file__).parents[2] / "lecture" / "bank").glob("*.yaml"):
        assert not any(token.__class__.__name__ == "AliasToken" for token in yaml.scan(path.read_text("utf-8")))
