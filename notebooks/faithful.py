"""Does a translation say what the English message says? What a program can tell: numbers, code, links, terms, marks.

A translator who has a reason to leave a term out says so in the message's comment: `# without: head, block`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from babel.messages.catalog import Catalog, Message
from markdown_it import MarkdownIt

_PIECES = {
    "code": re.compile(r"`+[^`]+`+"),
    "formula": re.compile(r"\$[^$]+\$"),
    "link": re.compile(r"\]\(([^)\s]+)\)"),
    "placeholder": re.compile(r"(?<!\{)\{\w*(?:![rsa])?(?::[^{}]*)?\}(?!\})"),
}
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*|(?<=\D)\d+(?:[.,]\d+)*")
_SAID = {  # numbers that English writes as words and a translation may write as digits
    1: "a an one once first each every any single another",
    2: "two twice second both half double pair",
    **{3: "three third", 4: "four fourth quarter", 5: "five fifth", 6: "six sixth", 7: "seven seventh"},
    **{8: "eight eighth", 9: "nine ninth", 10: "ten tenth", 11: "eleven", 12: "twelve twelfth", 14: "fourteen"},
    **{16: "sixteen", 20: "twenty", 30: "thirty", 50: "fifty", 100: "hundred", 1000: "thousand", 0: "zero no none"},
}
_ITALICS = re.compile(r"(?<!\*)\*(?!\*)[^*]+\*(?!\*)")
_WITHOUT = re.compile(r"without:\s*(.+)")
_MARKDOWN = MarkdownIt("commonmark")


def problems(catalogue: Catalog, wanted: Iterable[tuple[str, str]], glossary: Mapping[str, str]) -> Iterator[str]:
    """What keeps a catalogue from being whole: a sentence for each message that is missing, fuzzy, left over or wrong.

    wanted: the (context, message) that must be there, an empty context for none.
    """
    there = {(message.context or "", str(message.id)): message for message in catalogue if message.id}
    for key in (wanted := dict.fromkeys(wanted)):
        if key not in there or not there[key].string:
            yield f"not translated: {key[1]!r}"
        elif there[key].fuzzy:
            yield f"fuzzy, the English has changed: {key[1]!r}"
    for key in there.keys() - wanted.keys():
        yield f"left over, the English is gone: {key[1]!r}"
    for key in there.keys() & wanted.keys():
        if there[key].string and not there[key].fuzzy:
            yield from (f"{what}: {key[1]!r}" for what in differences(there[key], glossary))


def differences(message: Message, glossary: Mapping[str, str]) -> Iterator[str]:
    """How a translation differs from its message in what must be the same, and from the glossary's terms."""
    english, other = str(message.id), str(message.string)
    for what, pattern in _PIECES.items():
        if Counter(pattern.findall(english)) != Counter(pattern.findall(other)):
            yield f"{what} {pattern.findall(english)} became {pattern.findall(other)}"
    yield from _numbers(_without_code(english), _without_code(other))
    yield from _terms(english, other, glossary, _left_out(message))
    if "*" in other and _loose_marks(other) > _loose_marks(english):
        yield "a * stays visible: put a blank between it and the letters outside, or move the mark"


def _without_code(text: str) -> str:
    for pattern in _PIECES.values():
        text = pattern.sub(" ; ", text)
    return text


def _numbers(english: str, other: str) -> Iterator[str]:
    told, has = (Counter(number.replace(",", "") for number in _NUMBER.findall(text)) for text in (english, other))
    if lost := told - has:
        yield f"numbers are lost: {sorted(lost.elements())}"
    if new := has - told:
        words = set(re.findall(r"[a-z]+", english.lower()))
        said = {str(number) for number, names in _SAID.items() if words & set(names.split())}
        if unsaid := [number for number in new.elements() if number not in said]:
            yield f"numbers are new: {sorted(unsaid)}"


def _left_out(message: Message) -> set[str]:
    comments = " ".join(message.user_comments)
    found = _WITHOUT.search(comments)
    return {term.strip() for term in found[1].split(",")} if found else set()


def _terms(english: str, other: str, glossary: Mapping[str, str], left_out: set[str]) -> Iterator[str]:
    """Longer terms first: a receptive field is no field, and a name in italics that stays is no term."""
    text = _without_code(english)
    for name in _ITALICS.findall(text):
        if name in other:
            text = text.replace(name, " ; ")
    lower = text.lower()
    for term in sorted(glossary, key=len, reverse=True):
        if term[:-1].lower() not in lower:  # most terms, and this is quick; the last letter is another in a plural
            continue
        text, found = _term(term).subn(" ; ", text)
        if found and glossary[term] not in other and term not in left_out:
            yield f"“{term}” is {glossary[term]} in the glossary, which is not there"


@cache
def _term(term: str) -> re.Pattern[str]:
    plural = f"(?:{re.escape(term[:-1])}ies|{re.escape(term)})" if term.endswith("y") else f"{re.escape(term)}(?:e?s)?"
    return re.compile(rf"(?<![\w-]){plural}(?![\w-])", re.IGNORECASE)


def _loose_marks(text: str) -> int:
    """Asterisks that a reader would see as such."""
    return sum(
        child.content.count("*")
        for token in _MARKDOWN.parse(text)
        for child in token.children or ()
        if child.type == "text"
    )
