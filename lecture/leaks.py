"""What only a lecturer may have, looked for in what students get: notes, answers, planted mistakes.

A canary is such a text reduced to its letters and digits. Whatever it passes through (HTML, JSON, a search index, a
line break, a zip) keeps those in order, so it is found in any of them. Answers are looked for as a whole: single lines
of some are taught by the lessons themselves.
"""

from __future__ import annotations

import html
import importlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from build_lessons import SOURCES
from editions import editions
from lecture_marks import read_marks
from prose import translated_mark

from vlmteach.course import LESSONS
from vlmteach.course.exercises import Exercise

SHORTEST = 24  # letters and digits; less could stand somewhere by accident
_TEXT = {
    ".html",
    ".js",
    ".json",
    ".ipynb",
    ".md",
    ".py",
    ".txt",
    ".css",
    ".inv",
    ".xml",
    ".gift",
    ".rst",
    ".toml",
    ".yaml",
}
_ZIPPED = {".whl", ".zip"}
_PICTURE = re.compile(r"[A-Za-z0-9+/]{70,}={0,2}")  # base64: no text has so long a word


@dataclass(frozen=True)
class Canary:
    """One text that must not get out. what: where it comes from."""

    what: str
    letters: str


def letters_of(text: str) -> str:
    """The letters and digits of a text, in order, in lower case."""
    return re.sub(r"[\W_]+", "", text).lower()


def _canaries(what: str, texts: Iterable[str]) -> list[Canary]:
    found = (Canary(what, letters_of(text)) for text in texts)
    return [canary for canary in found if len(canary.letters) >= SHORTEST]


def notes(english_alone: bool = False) -> list[Canary]:
    """Every paragraph of the notes, in all languages unless in English alone."""
    spoken = [(lesson, None) for lesson in LESSONS]
    others = [] if english_alone else editions()
    spoken += [(lesson, edition.lecturer(lesson)) for edition in others for lesson in edition.lectures]
    return [
        canary
        for lesson, translate in spoken
        for mark in read_marks((SOURCES / f"{lesson.name}.md").read_text("utf-8"))
        for said in [translated_mark(mark, translate) if translate else mark]
        for canary in _canaries(f"note {lesson.number:02d}, {said.title!r}", re.split(r"\n\s*\n", said.notes))
    ]


def answers() -> list[Canary]:
    """Every answer of an exercise, as a whole."""
    return [
        canary
        for lesson in LESSONS
        for thing in vars(importlib.import_module(f"vlmteach.course.exercises.lesson_{lesson.number:02d}")).values()
        if isinstance(thing, Exercise)
        for canary in _canaries(f"answer {thing.number}", [thing.answer])
    ]


def planted_mistakes() -> list[Canary]:
    """Every planted mistake of the tests, as a whole, but for those that are a part of an answer. Needs the tests."""
    right = [canary.letters for canary in answers()]
    return [
        canary
        for lesson in LESSONS
        for number, table in importlib.import_module(f"support.variants.lesson_{lesson.number:02d}").VARIANTS.items()
        for canary in _canaries(f"mistake of {number}", [code for _, code in table.mistakes()])
        if not any(canary.letters in answer for answer in right)
    ]


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """The texts in a file, or in each file of a folder or an archive, by name. What holds no text is left out."""
    if path.is_dir():
        for each in sorted(path.rglob("*")):
            if each.is_file():
                yield from texts_of(each)
    elif path.suffix in _ZIPPED:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if Path(name).suffix in _TEXT:
                    yield f"{path.name}:{name}", archive.read(name).decode("utf-8")
    elif path.suffix in _TEXT:
        yield path.name, path.read_text("utf-8", errors="replace")


def leaks(places: Iterable[Path], canaries: Iterable[Canary]) -> list[str]:
    """Which canaries are found where, as sentences."""
    found, sought = [], list(canaries)
    for place in places:
        for name, text in texts_of(place):
            for reading in _readings(name, text):
                found += [f"{name} holds the {canary.what}" for canary in sought if canary.letters in reading]
    return sorted(set(found))


def _readings(name: str, text: str) -> set[str]:
    """A text as it stands, as a page shows it, and as its strings say it; each different reading once."""
    page = html.unescape(re.sub(r"<[^>]*>", " ", text))
    readings = [text, html.unescape(text), page, re.sub(r"\\n", " ", page)]
    if name.endswith((".ipynb", ".json")):
        readings.append(" ".join(_strings(json.loads(text))))
    return {letters_of(_PICTURE.sub(" ", reading)) for reading in set(readings)}


def _strings(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for each in node:
            yield from _strings(each)
    elif isinstance(node, dict):
        for each in node.values():
            yield from _strings(each)
