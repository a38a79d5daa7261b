"""The bank of polls: one YAML file for each lesson, one question with a reason behind every option.

    - id: 01-reshape
      predict: What will the picture look like
      ask: What will the picture look like?
      minutes: 2
      options:
        - say: Nine small portraits in false colours
          right: true
          why: reshape reads all of one channel before the next.
        - say: The same portrait
          why: Only the shape is the same, for reshape reads memory in channel order.
          planted: "1.1: reads memory in channel order"

`planted` names an exercise and a phrase of the reason. A test plants the exercise's known mistakes, and one of them
must get a reply with this phrase: so the reason a poll gives and the one the exercise gives stay the same. `predict` is
a phrase of the *Predict* that the poll asks; every one has a poll. `see` names what settles the question: a page of the
site, with its state in the address. A poll that no slide asks is for quizzes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from editions import Edition

from vlmteach.course import LESSONS, Lesson

BANK = Path(__file__).parent / "bank"


@dataclass(frozen=True)
class Option:
    """One answer to choose. planted: "exercise: phrase" of the mistake behind it, empty where there is none."""

    say: str
    why: str
    right: bool = False
    planted: str = ""


@dataclass(frozen=True)
class Poll:
    """One question.

    see: the page and state that settle it, empty where the next slide does. predict: words of the lesson's *Predict*,
    empty for a misconception that no *Predict* asks about.
    """

    id: str
    ask: str
    minutes: int
    options: tuple[Option, ...]
    see: str = ""
    predict: str = ""

    @property
    def right(self) -> Option:
        """The one right option."""
        return next(option for option in self.options if option.right)


def read_bank(lesson: Lesson, edition: Edition | None = None, folder: Path = BANK) -> dict[str, Poll]:
    """The polls of a lesson by id. Raises ValueError, naming the poll, for one that cannot be asked.

    edition: in another language than English. Raises KeyError for a message that it lacks.
    """
    translate = edition.lecturer(lesson) if edition else str
    path = folder / f"{lesson.number:02d}.yaml"
    if not path.exists():
        return {}
    polls: dict[str, Poll] = {}
    for entry in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader):
        try:
            poll = _poll(entry, f"{lesson.number:02d}-", translate)
            if poll.id in polls:
                raise ValueError("its id is taken; every poll has an id of its own")
        except ValueError as error:
            raise ValueError(f"{path.name}, poll {entry.get('id')!r}: {error}.") from None
        polls[poll.id] = poll
    return polls


def all_polls(lessons: Iterable[Lesson] = LESSONS, edition: Edition | None = None) -> dict[str, Poll]:
    """The polls of several lessons by id."""
    return {poll.id: poll for lesson in lessons for poll in read_bank(lesson, edition).values()}


def _poll(entry: dict[str, Any], prefix: str, translate: Callable[[str], str]) -> Poll:
    _only(entry, {"id", "ask", "minutes", "options"}, {"see", "predict"})
    if not str(entry["id"]).startswith(prefix):
        raise ValueError(f"its id does not begin with {prefix}, the number of its lesson")
    options = tuple(_option(option, translate) for option in entry["options"])
    if not 2 <= len(options) <= 6:
        raise ValueError(f"it has {len(options)} options; expected 2 to 6")
    if sum(option.right for option in options) != 1:
        raise ValueError(f"{sum(option.right for option in options)} of its options are right; expected exactly one")
    if len({option.say for option in options}) < len(options):
        raise ValueError("two of its options say the same")
    ask, see, predict = translate(entry["ask"]), entry.get("see", ""), entry.get("predict", "")
    return Poll(entry["id"], ask, entry["minutes"], options, see, predict)


def _option(entry: dict[str, Any], translate: Callable[[str], str]) -> Option:
    _only(entry, {"say", "why"}, {"right", "planted"})
    for key in ("say", "why"):
        if not isinstance(entry[key], str):
            raise ValueError(f"{key!r} is {entry[key]!r} to YAML; put words that mean something else to it in quotes")
    return Option(translate(entry["say"]), translate(entry["why"]), entry.get("right", False), entry.get("planted", ""))


def _only(entry: dict[str, Any], needed: set[str], allowed: set[str]) -> None:
    for key in sorted(needed):
        if entry.get(key, "") == "":
            raise ValueError(f"{key!r} is missing" + (f" from the option {entry['say']!r}" if "say" in entry else ""))
    unknown = sorted(entry.keys() - needed - allowed)
    if unknown:
        raise ValueError(f"there is no entry {unknown[0]!r}; expected {', '.join(sorted(needed | allowed))}")
