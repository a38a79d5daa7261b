"""Numbers whose digits only a processor's rounding decides, and the readable text of a notebook to look for them in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from nbformat import NotebookNode

DIGITS = 7  # from here on, the digits of a float32 are rounding
SMALL = 1e-4  # below, a number that was computed is most likely rounding and nothing else
NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)*(?:\.?[eE][-−+]?\d+)?")
BOUND = re.compile(r"(?:\b(?:above|below|equal to|least|most|over|than|under|within)|[<>≤≥])\s*$")
ARXIV = re.compile(r"\d\d(?:0[1-9]|1[0-2])\.\d{4,5}")


def lucky_digits(text: str) -> list[str]:
    """The numbers in a text that another processor may print in another way.

    Those are: seven or more digits with a decimal point; anything but zero below 1e-4; a zero with a minus sign. A
    bound may be small, if it has one digit and a word such as "below" in front. Versions (2.14.1) and arXiv ids are
    no numbers.
    """
    found = []
    for match in NUMBER.finditer(text):
        number = match.group().replace("−", "-").replace(",", "").lower()
        mantissa, _, exponent = number.lstrip("-").partition("e")
        if mantissa.count(".") > 1 or (not exponent and ARXIV.fullmatch(mantissa)):
            continue
        digits = mantissa.replace(".", "").lstrip("0")
        if not digits:
            lucky = number.startswith("-")
        elif "." in mantissa and len(digits) >= DIGITS:
            lucky = True
        else:
            lucky = abs(float(number)) < SMALL and not (len(digits) == 1 and BOUND.search(text[: match.start()]))
        if lucky:
            found.append(match.group())
    return found


def readable(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """The number of each code cell with an output, and each text of it that a person or a screen reader reads."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, output in ((number, output) for number, cell in enumerate(cells) for output in cell.outputs):
        data = output.get("data", {})
        texts = [output.get("text", ""), data.get("text/plain", ""), *readable_in_html(data.get("text/html", ""))]
        texts += [shown["alt"] for shown in output.get("metadata", {}).values() if "alt" in shown]
        yield from ((number, text) for text in texts if text.strip())


def readable_in_html(page: str) -> list[str]:
    """The texts of a page: what stands on it, descriptions and titles, the pages in its frames, texts in their data."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.texts


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = ""  # "style", or the type of a script

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self._inside = {"style": "style", "script": given.get("type", "text/javascript")}.get(tag, "")
        self.texts += [given[name] for name in ("alt", "title", "aria-label") if name in given]
        self.texts += readable_in_html(given.get("srcdoc", ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "application/json":
            self.texts += _strings(json.loads(data))
        elif not self._inside:
            self.texts.append(data)


def _strings(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    inner = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else []
    return [text for one in inner for text in _strings(one)]
