"""A ledger of claims as accessible HTML: plain tables and lists that need no script and follow the page's own colours.

A claim is plain data: title, japanese, english, measured (sentences), facts (says, told, holds), cited (says, source),
verdict, because, change. Every text reaches the page as text, whatever it contains.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Shown = Mapping[str, Any]
_LEAST = 11  # em for each column, on average: where the page is narrower than the table, it scrolls
_CELL = 'style="text-align: left; vertical-align: top; white-space: normal; padding: 6px 10px; border: 1px solid #8888"'


class _View:
    """Something that a notebook shows as HTML, and as a few words where it cannot."""

    def to_html(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": repr(self)}


class ClaimView(_View):
    """One claim in full."""

    def __init__(self, claim: Shown) -> None:
        self.claim = claim

    def to_html(self) -> str:
        """A table with a row for each part of the claim."""
        claim = self.claim
        rows = {
            "The article": _quotes(claim),
            "Measured here": _list(html.escape(sentence) for sentence in claim["measured"]),
            "Found by others": _cited(claim),
            "Verdict": f"<p><strong>{html.escape(claim['verdict'])}.</strong> {html.escape(claim['because'])}</p>",
            "It rests on": _facts(claim),
            "What would change it": f"<p>{html.escape(claim['change'])}</p>",
        }
        body = "".join(
            f'<tr><th scope="row" {_CELL}>{name}</th><td {_CELL}>{shown}</td></tr>' for name, shown in rows.items()
        )
        caption = f"<caption>{_bold(claim['title'])}</caption>"
        return f"{_opened(2)}{caption}{_widths((18, 82))}<tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        return f"ClaimView({self.claim['title']}: {self.claim['verdict']})"


class SentencesView(_View):
    """The sentences of all claims in both languages, without a verdict."""

    def __init__(self, claims: Sequence[Shown]) -> None:
        self.claims = claims

    def to_html(self) -> str:
        """A numbered table of sentences."""
        rows = [(str(number), _quotes(claim)) for number, claim in enumerate(self.claims, 1)]
        return _table("The article's claims", {"number": 8, "the article says": 92}, rows)

    def __repr__(self) -> str:
        return f"SentencesView({len(self.claims)} claims)"


class LedgerView(_View):
    """All claims with their verdicts; a verdict that the record no longer bears out says so."""

    def __init__(self, claims: Sequence[Shown]) -> None:
        self.claims = claims

    def to_html(self) -> str:
        """One row for each claim."""
        rows = [
            (
                f"{_bold(claim['title'])}{_quotes(claim)}",
                _list(html.escape(sentence) for sentence in claim["measured"]),
                _cited(claim),
                f"<p><strong>{html.escape(claim['verdict'])}</strong></p><p>{_standing(claim)}</p>",
            )
            for claim in self.claims
        ]
        return _table("The ledger", {"claim": 27, "measured here": 32, "found by others": 26, "verdict": 15}, rows)

    def __repr__(self) -> str:
        standing = sum(all(fact["holds"] for fact in claim["facts"]) for claim in self.claims)
        return f"LedgerView({len(self.claims)} claims, {standing} verdicts borne out by the record)"


class ChangesView(_View):
    """What would change each verdict."""

    def __init__(self, claims: Sequence[Shown]) -> None:
        self.claims = claims

    def to_html(self) -> str:
        """One row for each claim."""
        rows = [
            (_bold(claim["title"]), html.escape(claim["verdict"]), html.escape(claim["change"]))
            for claim in self.claims
        ]
        return _table("What would change our mind", {"claim": 32, "verdict": 18, "what would change it": 50}, rows)

    def __repr__(self) -> str:
        return f"ChangesView({len(self.claims)} claims)"


class GlossaryView(_View):
    """Terms in two languages with a short meaning: rows of (english, japanese, meaning)."""

    def __init__(self, terms: Sequence[tuple[str, str, str]]) -> None:
        self.terms = terms

    def to_html(self) -> str:
        """One row for each term."""
        rows = [
            (html.escape(english), f'<span lang="ja">{html.escape(japanese)}</span>', html.escape(meaning))
            for english, japanese, meaning in self.terms
        ]
        return _table("Glossary", {"English": 25, "Japanese": 25, "meaning in this course": 50}, rows)

    def __repr__(self) -> str:
        return f"GlossaryView({len(self.terms)} terms)"


def _table(caption: str, heads: Mapping[str, int], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML already; the first cell of a row is its head.

    heads: each with its width in percent.
    """
    head = "".join(f'<th scope="col" {_CELL}>{name}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row" {_CELL}>{first}</th>{"".join(f"<td {_CELL}>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    parts = f"{_widths(heads.values())}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f"{_opened(len(heads))}<caption>{_bold(caption)}</caption>{parts}</table>"


def _opened(columns: int) -> str:
    style = "border-collapse: collapse; width: 100%; table-layout: auto; text-align: left"  # no column below its words
    return f'<table style="{style}; min-width: {columns * _LEAST}em">'


def _widths(percent: Iterable[int]) -> str:
    columns = "".join(f'<col style="width: {width}%">' for width in percent)
    return f"<colgroup>{columns}</colgroup>"


def _bold(text: str) -> str:
    return f"<strong>{html.escape(text)}</strong>"


def _quotes(claim: Shown) -> str:
    if not claim["japanese"]:
        return "<p>The article is silent here.</p>"
    japanese, english = html.escape(claim["japanese"]), html.escape(claim["english"])
    style = 'style="font-weight: normal"'
    return f'<p lang="ja" {style}>「{japanese}」</p><p {style}>{english}</p>'


def _list(items: Any) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _cited(claim: Shown) -> str:
    small = '<small style="overflow-wrap: anywhere">'  # a file's path has no spaces to break at
    return _list(f"{html.escape(says)} {small}[{html.escape(source)}]</small>" for says, source in claim["cited"])


def _facts(claim: Shown) -> str:
    return _list(
        f"{html.escape(fact['says'])}: <strong>{'yes' if fact['holds'] else 'no'}</strong> "
        f"<small>({html.escape(fact['told'])})</small>"
        for fact in claim["facts"]
    )


def _standing(claim: Shown) -> str:
    failed = [fact["says"] for fact in claim["facts"] if not fact["holds"]]
    if failed:
        return f"The record no longer bears it out: {html.escape('; '.join(failed))}."
    return f"Borne out by the record in {len(claim['facts'])} of {len(claim['facts'])} points."
