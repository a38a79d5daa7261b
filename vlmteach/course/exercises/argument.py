"""Exercise 8.3: whether an argument has the form of one. What it says is for a reader to judge.

How numbers are quoted is known to `_Quoted` and `_quoted` alone.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from vlmteach.course.claims import Claim, Ledger, load_ledger
from vlmteach.course.evidence import ADDRESS
from vlmteach.course.exercises.exercise import NotAttempted, Wrong
from vlmteach.course.exercises.reading import as_number, kind_of
from vlmteach.course.systems import load_systems

PARTS = ("claim", "sentence", "cites", "verdict", "change")
_TEXTS = ("claim", "sentence", "verdict")


def examine_argument(argument: object) -> None:
    """Examine an argument. Raises Wrong, or NotAttempted when all its parts are empty."""
    if not isinstance(argument, Mapping):
        raise Wrong(f"argument is {kind_of(argument)}; keep it a dictionary with the parts {', '.join(PARTS)}.")
    if missing := [part for part in PARTS if part not in argument]:
        raise Wrong(f"The part {missing[0]!r} is gone; an argument has the parts {', '.join(PARTS)}.")
    if extra := [part for part in argument if part not in PARTS]:
        raise Wrong(f"{extra[0]!r} is no part of an argument; take it out. The parts are {', '.join(PARTS)}.")
    empty = [part for part in PARTS if argument[part] is None or argument[part] == ""]
    if len(empty) == len(PARTS):
        raise NotAttempted
    if empty:
        raise Wrong(f"Still empty: {', '.join(empty)}. An argument needs all five parts.")
    for part in _TEXTS:
        if not isinstance(argument[part], str):
            raise Wrong(f"{part!r} is {kind_of(argument[part])}; expected text.")
    claim = _examine_claim(argument["claim"])
    numbers = _examine_sentence(argument["sentence"], claim)
    _examine_limits(numbers, f"{argument['sentence']} {argument['verdict']}")
    _examine_source(argument["cites"])
    _examine_change(argument["change"], claim)


# How numbers are quoted: by an address such as {accuracy: vit, prefix, where}, which the ledger looks up.

_SHARES = ("accuracy", "changed", "blind", "cliff", "cliff worst", "hunger")  # of all questions, so between 0 and 1
_GIVEN = {  # what no experiment could change, and why
    "guess": "a guess rate follows from the questions",
    "luck": "luck follows from the guess rate and the number of questions",
    "mlp share": "the share of the MLP follows from how a block is built",
    "parameters": "an encoder's parameters are chosen and not measured",
}
# kinds that measure the same thing in another way, so that they are about the same claims
_KIN = {
    "cost": "growth",
    "cliff worst": "cliff",
    "cliff slowdown": "cliff",
    "learned": "accuracy",
    "changed": "accuracy",
    "blind": "accuracy",
}


@dataclass(frozen=True)
class _Quoted:
    """A number of the record that somebody quotes. kind: what was measured; about: the other words of its address."""

    address: str
    kind: str
    about: tuple[str, ...]
    value: float

    @property
    def subject(self) -> str:
        """What it measures, in whatever way."""
        return _KIN.get(self.kind, self.kind)

    @property
    def proven(self) -> bool:
        """Whether it shows a limit that a theorem sets."""
        return any(word == "outside" or word.endswith(" bare") for word in self.about)

    @property
    def possible(self) -> tuple[float, float, str]:
        """The least and the most that it could be, and why."""
        if self.kind in _SHARES:
            return 0.0, 1.0, "it is a share of all questions, between 0 and 1"
        if self.kind == "published" and self.about[-1] == "accuracy":
            return 0.0, 100.0, "it is a percentage"
        far = f"that is more than {_FAR} times away from what was measured"
        return (self.value / _FAR, self.value * _FAR, far) if math.isfinite(self.value) else (1.0, math.inf, far)


_FAR = 100


def _quoted(address: str) -> _Quoted:
    """Look an address up. Raises Wrong when it leads nowhere."""
    address = address.strip().removeprefix("{").removesuffix("}")
    try:
        value = _ledger().evidence.number(address).value
    except (ValueError, LookupError, ArithmeticError) as error:
        raise Wrong(f"{{{address}}} leads nowhere: {error}") from None
    kind, _, rest = address.partition(":")
    return _Quoted(address, kind.strip(), tuple(word.strip() for word in rest.split(",")), value)


def _quoted_in(text: str) -> list[_Quoted]:
    return [_quoted(f"{kind}: {rest}") for kind, rest in ADDRESS.findall(text)]


@cache
def _ledger() -> Ledger:
    return load_ledger()


# The parts of an argument.


def _examine_claim(key: str) -> Claim:
    try:
        return _ledger().find(key.strip().casefold())
    except ValueError as error:
        raise Wrong(f"T{str(error)[1:]}") from None


# Digits that are no results, beside those that the sentence's own addresses hold.
_NO_RESULT = re.compile(
    r"""\b(?:lesson|section|exercise|figure|distance)\s\d+(?:\.\d+)?   # a place
    | \bwithin\s\d[\d,]*\ssteps\b                                     # a patience
    | [a-z][\w.]*(?:[-/]\w+)*                                          # a name: ResNet-50, ViT-L/14, cnn-3
    | \b\d+\s?[×x]\s?\d+\b                                            # a size
    | \b\d{4}\.\d{4,5}\b                                              # a source
    | \b(?:19|20)\d\d\b(?!\s(?:steps|pictures|tokens|parameters))     # a year
    | \b(?:\d+\sof\s(?:the\s)?)?\d+[ -](?=(?:seeds?|runs?|blocks?|layers?|heads?|cells?|pixels?|px)\b)  # a set-up
    """,
    re.IGNORECASE | re.VERBOSE,
)


def _examine_sentence(sentence: str, claim: Claim) -> list[_Quoted]:
    numbers = _quoted_in(sentence)
    prose = ADDRESS.sub("", sentence)
    if braces := re.search(r"\{.*?\}", prose):
        raise Wrong(f"{braces[0]} is no address; expected one such as {{accuracy: vit, prefix, where}}.")
    asked = {word for number in numbers for word in number.about}
    for typed in re.findall(r"\d+(?:[.,]\d+)*", _NO_RESULT.sub("", prose)):
        if typed.replace(",", "") not in asked:
            raise Wrong(
                f"Your sentence holds a number typed by hand, {typed}. Put its {{address}} there, so that the record "
                "speaks."
            )
    if len({number.address for number in numbers}) < 2:
        raise Wrong("Your sentence needs at least two {addresses}: a number alone is neither large nor small.")
    _examine_subject(numbers, claim, "None of your numbers is")
    rates = [number for number in numbers if number.kind in ("guess", "luck")]
    for rate in rates:
        if not any(rate.about[-1] in other.about for other in numbers if other not in rates):
            raise Wrong(
                f"{{{rate.address}}} stands beside no number about {rate.about[-1]!r}. Quote the guess rate of the "
                "family that your other number is about."
            )
    return numbers


def _examine_subject(numbers: Iterable[_Quoted], claim: Claim, says: str) -> None:
    """Whether some number measures what the claim is about."""
    own = {number.subject for text in claim.measured for number in _quoted_in(text)} - {"guess", "luck"}
    if not own & {number.subject for number in numbers}:
        raise Wrong(f"{says} about the claim {claim.key!r}. Its own are of the kinds {', '.join(sorted(own))}.")


_CANNOT = re.compile(r"\b(cannot|can not|can['’]t|impossible)\b", re.IGNORECASE)
# "Cannot" about what we know, denied, reported or quoted: none of them says that a network is unable.
_CAREFUL = re.compile(
    r"""\b(?:we|I|you|one|nobody|no\sone)\s(?:still\s)?(?:cannot|can\snot|can['’]t)\b
    | \b(?:seeds?|runs?|records?|measurements?|experiments?|data|figures?|numbers?)\s(?:cannot|can\snot|can['’]t)\b
    | \b(?:cannot|can\snot|can['’]t)\s(?:yet\s)?be\s
      (?:told|said|known|decided|distinguished|separated|ruled\sout|excluded|concluded|judged)\b
    | \bimpossible\sto\s(?:tell|say|know|decide|distinguish|separate|rule\sout|exclude|conclude|judge)\b
    | (?:\bnot|n['’]t|\bnothing)\s(?:means?|shows?|proves?|implies|imply|follows?|says?|true|proven|shown)\b[^.;]*
    | \b(?:claims?|says?|said|articles?|statements?|ideas?|beliefs?|proof|evidence)\b[^.;]*
    | \bthat\b[^.;]*\b(?:cannot|can\snot|can['’]t)\b[^.;]*\bis\s(?:not|too|false|wrong|untrue|unproven|refuted)\b
    | \bnot\simpossible\b
    | ["'“‘](?:cannot|can\snot|impossible)["'”’]
    """,
    re.IGNORECASE | re.VERBOSE,
)


def _examine_limits(numbers: Iterable[_Quoted], text: str) -> None:
    said = _CANNOT.search(_CAREFUL.sub("", ADDRESS.sub("", text)))
    if said and not any(number.proven for number in numbers):
        raise Wrong(
            f"You write {said[0]!r}, and none of your numbers stands for a theorem. A measurement allows "
            "'not within so many steps', no more."
        )


_ARXIV = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?!\d)")


def _examine_source(cites: object) -> None:
    sources = cites if isinstance(cites, list | tuple) else [cites]
    for source in sources:
        if not isinstance(source, str):
            raise Wrong(f"'cites' is {kind_of(cites)}; expected text, such as '2001.03615'.")
        if not _names_of(source) & _known_sources():
            raise Wrong(
                f"{source!r} is none of the course's checked sources. Give one as it stands in the ledger, in lesson "
                "06's table or among the references of a lesson, for instance '2001.03615'."
            )


def _names_of(source: str) -> set[str]:
    """What a source may be known by: its arXiv ids; a file as it stands, with and without a name inside it."""
    return set(_ARXIV.findall(source)) or {source.strip(), source.strip().partition(" ")[0]}


@cache
def _known_sources() -> frozenset[str]:
    """What the ledger, the table of systems and the lessons cite."""
    literature = (resources.files("vlmteach.course") / "literature.json").read_text(encoding="utf-8")
    cited = [cited.source for claim in _ledger().claims for cited in claim.cited]
    tabled = [source for system in load_systems().systems for source in (*system.sources, system.arxiv or "")]
    return frozenset(
        name for source in [*json.loads(literature), *cited, *tabled] for name in _names_of(source) if name
    )


_RELATIONS = {
    ">=": operator.ge,
    "<=": operator.le,
    "≥": operator.ge,
    "≤": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def _examine_change(change: object, claim: Claim) -> None:
    form = "expected (address, '>=' or '<=', number), for instance ('cliff: vit-1, 7', '<=', 0.5)"
    if not isinstance(change, list | tuple) or len(change) != 3 or not isinstance(change[0], str):
        raise Wrong(f"What would change your mind must be something that can be measured; {form}.")
    if not isinstance(change[1], str) or change[1].strip() not in _RELATIONS:
        raise Wrong(f"{change[1]!r} is no comparison; {form}.")
    number, relation = _quoted(change[0]), change[1].strip()
    bound = as_number(change[2], "a number to compare with", "The last of `change` is")
    holds = _RELATIONS[relation]
    if not math.isfinite(bound):
        raise Wrong(f"{bound} is nothing to compare with; {form}.")
    if number.kind in _GIVEN:
        raise Wrong(f"{{{number.address}}} would not change your mind: {_GIVEN[number.kind]}. Take something measured.")
    _examine_subject([number], claim, "What would change your mind is not")
    if holds(number.value, bound):
        raise Wrong(
            f"{number.address} is {number.value:.4g}, so {relation} {bound:g} holds today. It should have changed your "
            "mind."
        )
    least, most, why = number.possible
    if not (holds(least, bound) or holds(most, bound)):
        raise Wrong(
            f"{number.address} is {number.value:.4g}, and nothing could make it {relation} {bound:g}: {why}. A verdict "
            "that nothing could overturn is no verdict."
        )
