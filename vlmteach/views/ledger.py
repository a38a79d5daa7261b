"""A ledger of claims as accessible HTML: plain tables and lists that need no script and follow the page's own colours.

A claim is plain data: title, japanese, english, measured (sentences), facts (says, told, holds), cited (says, source),
verdict, because, change. What was measured is told in the lesson's language already; the rest is translated here. Every
text reaches the page as text, whatever it contains.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vlmteach.language import _

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
        claim, verdict = self.claim, _("{verdict}.", verdict=_told(self.claim, "verdict"))
        rows = {
            _("The article"): _quotes(claim),
            _("Measured here"): _list(map(_text, claim["measured"])),
            _("Found by others"): _cited(claim),
            _("Verdict"): f"<p>{_bold(verdict)} {_text(_told(claim, 'because'))}</p>",
            _("It rests on"): _facts(claim),
            _("What would change it"): _paragraph(_told(claim, "change")),
        }
        body = "".join(
            f'<tr><th scope="row" {_CELL}>{name}</th><td {_CELL}>{shown}</td></tr>' for name, shown in rows.items()
        )
        caption = f"<caption>{_bold(_told(claim, 'title'))}</caption>"
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
        return _table(_("The article's claims"), {_("number"): 8, _("the article says"): 92}, rows)

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
                f"{_bold(_told(claim, 'title'))}{_quotes(claim)}",
                _list(map(_text, claim["measured"])),
                _cited(claim),
                f"<p>{_bold(_told(claim, 'verdict'))}</p><p>{_standing(claim)}</p>",
            )
            for claim in self.claims
        ]
        heads = {_("claim"): 27, _("measured here"): 32, _("found by others"): 26, _("verdict"): 15}
        return _table(_("The ledger"), heads, rows)

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
            (_bold(_told(claim, "title")), _text(_told(claim, "verdict")), _text(_told(claim, "change")))
            for claim in self.claims
        ]
        heads = {_("claim"): 32, _("verdict"): 18, _("what would change it"): 50}
        return _table(_("What would change our mind"), heads, rows)

    def __repr__(self) -> str:
        return f"ChangesView({len(self.claims)} claims)"


class GlossaryView(_View):
    """Terms in two languages with a short meaning: rows of (english, japanese, meaning)."""

    def __init__(self, terms: Sequence[tuple[str, str, str]]) -> None:
        self.terms = terms

    def to_html(self) -> str:
        """One row for each term."""
        rows = [
            (_text(english), f'<span lang="ja">{_text(japanese)}</span>', _text(_(meaning)))
            for english, japanese, meaning in self.terms
        ]
        return _table(_("Glossary"), {_("English"): 25, _("Japanese"): 25, _("meaning in this course"): 50}, rows)

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


_text = html.escape


def _told(claim: Shown, part: str) -> str:
    """A part of a claim in the lesson's language."""
    return _(claim[part])


def _bold(text: str) -> str:
    return f"<strong>{_text(text)}</strong>"


def _paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def _quotes(claim: Shown) -> str:
    """The article's sentence, and below it what it says, unless that is the same."""
    if not claim["japanese"]:
        return _paragraph(_("The article is silent here."))
    says, style = _told(claim, "english"), 'style="font-weight: normal"'
    translated = "" if says == claim["japanese"] else f"<p {style}>{_text(says)}</p>"
    return f'<p lang="ja" {style}>「{_text(claim["japanese"])}」</p>{translated}'


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _cited(claim: Shown) -> str:
    small = '<small style="overflow-wrap: anywhere">'  # a file's path has no spaces to break at
    return _list(f"{_text(_(says))} {small}[{_text(source)}]</small>" for says, source in claim["cited"])


def _facts(claim: Shown) -> str:
    yes, no = _("yes"), _("no")
    return _list(
        f"{_text(fact['says'])}: <strong>{yes if fact['holds'] else no}</strong> <small>({_text(fact['told'])})</small>"
        for fact in claim["facts"]
    )


def _standing(claim: Shown) -> str:
    failed = [fact["says"] for fact in claim["facts"] if not fact["holds"]]
    if failed:
        return _text(_("The record no longer bears it out: {facts}.", facts="; ".join(failed)))
    count = len(claim["facts"])
    return _("Borne out by the record in {count} of {count} points.", count=count)
