"""A lesson's prose as messages, one for each paragraph, heading, list item and cell of a table.

Code cells and front matter are no messages. Neither are the lines that the builder fills in and those that split cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lecture_marks import strip_marks
from translate.storage.markdown import MarkdownFile

_NOT_PROSE = re.compile(r"\+\+\+|\{\{ \w+ \}\}")


def messages(source: str) -> list[str]:
    """The messages of a lesson's source, each once, in order."""
    found: dict[str, None] = {}

    def note(message: str) -> str:
        found[message] = None
        return message

    _each_message(source, note)
    return list(found)


def translated(source: str, translate: Callable[[str], str]) -> str:
    """The lesson's source without a lecture's marks, with every message replaced by its translation."""
    return _each_message(source, translate)


def _each_message(source: str, translate: Callable[[str], str]) -> str:
    document = MarkdownFile(
        callback=lambda text: text if _NOT_PROSE.fullmatch(text) else translate(text),
        extract_code_blocks=False,
        extract_frontmatter=False,
        no_placeholders=True,  # links stand in the message, where a translation can be compared with it
    )
    document.parse(strip_marks(source).encode())
    return document.filesrc
