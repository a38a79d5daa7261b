"""A lesson's prose as messages, one for each paragraph, heading, list item and cell of a table.

Code cells and front matter are no messages. Neither are the lines that the builder fills in and those that split cells.
What a lecture says, on slides, in notes and in polls, are messages of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import yaml
from lecture_marks import Mark, read_marks, strip_marks
from translate.storage.markdown import MarkdownFile

_NOT_PROSE = re.compile(r"\+\+\+|\{\{ \w+ \}\}")


@cache
def messages(source: str) -> tuple[str, ...]:
    """The messages of a lesson's source, each once, in order."""
    found: dict[str, str] = {}
    translated(source, lambda message: found.setdefault(message, message))
    return tuple(found)


@cache
def lecture_messages(source: str, bank: str) -> tuple[str, ...]:
    """The messages of a lesson's slides, notes and polls (bank: as YAML), each once, but for those of its own prose."""
    found: dict[str, str] = {}
    for mark in read_marks(source):
        translated_mark(mark, lambda message: found.setdefault(message, message))
    for poll in yaml.load(bank, yaml.CSafeLoader):
        for message in (poll["ask"], *(option[key] for option in poll["options"] for key in ("say", "why"))):
            found.setdefault(message, message)
    said = set(messages(source))
    return tuple(message for message in found if message not in said)


def translated(source: str, translate: Callable[[str], str]) -> str:
    """A source without a lecture's marks, with every message replaced by its translation."""
    document = MarkdownFile(
        callback=lambda text: text if _NOT_PROSE.fullmatch(text) else translate(text),
        extract_code_blocks=False,
        extract_frontmatter=False,
        no_placeholders=True,  # links stand in the message, where a translation can be compared with it
    )
    document.parse(strip_marks(source).encode())
    return document.filesrc


def translated_mark(mark: Mark, translate: Callable[[str], str]) -> Mark:
    """A slide with every message of its title, text and notes replaced by its translation."""
    return replace(
        mark,
        title=translate(mark.title),
        text=translated(mark.text, translate).strip(),
        notes=translated(mark.notes, translate).strip(),
    )
