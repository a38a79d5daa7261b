"""Exercise 9.3: whether an argument has the form of one. What it says is for a reader to judge.

Its sentence and its change are functions of the recorded experiments. So they can be tried on records that were made
up: a number that was read moves with them, a number that was typed stays, what nothing could overturn is never true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from vlmteach.course.claims import Claim, Ledger, load_ledger
from vlmteach.course.exercises.exercise import NotAttempted, Wrong, told
from vlmteach.course.exercises.reading import kind_of
from vlmteach.course.records import Records
from vlmteach.course.systems import load_systems
from vlmteach.language import N_, _

PARTS = ("claim", "sentence", "cites", "verdict", "change")
_MOVED = 2  # numbers of the record that a sentence must hold


def examine_argument(argument: object) -> None:
    """Examine an argument. Raises Wrong, or NotAttempted when all its parts are empty."""
    parts = ", ".join(PARTS)
    if not isinstance(argument, Mapping):
        raise Wrong(
            _("argument is {kind}; keep it a dictionary with the parts {parts}.", kind=kind_of(argument), parts=parts)
        )
    if missing := [part for part in PARTS if part not in argument]:
        raise Wrong(_("The part {part!r} is missing; an argument has the parts {parts}.", part=missing[0], parts=parts))
    if extra := [part for part in argument if part not in PARTS]:
        raise Wrong(
            _("{part!r} is not a part of an argument; take it out. The parts are {parts}.", part=extra[0], parts=parts)
        )
    empty = [part for part in PARTS if _is_empty(argument[part])]
    if len(empty) == len(PARTS):
        raise NotAttempted
    if empty:
        raise Wrong(_("Still empty: {parts}. An argument needs all five parts.", parts=", ".join(empty)))
    for part in ("claim", "verdict"):
        if not isinstance(argument[part], str):
            raise Wrong(_("{part!r} is {kind}; expected text.", part=part, kind=kind_of(argument[part])))
    for part in ("sentence", "change"):
        if not callable(argument[part]):
            raise Wrong(
                _("{part!r} is {kind}; expected a function of the records r.", part=part, kind=kind_of(argument[part]))
            )
    claim = _examine_claim(argument["claim"])
    sentence = _examine_sentence(argument["sentence"], claim)
    _examine_limits(f"{sentence} {argument['verdict']}")
    _examine_source(argument["cites"])
    _examine_change(argument["change"], claim)


def _is_empty(part: object) -> bool:
    """Whether a part is as the stub left it: None, no text, or a function that returns None."""
    if not callable(part):
        return part is None or part == ""
    try:
        return part(_ledger().records) is None
    except Exception:
        return False


@cache
def _ledger() -> Ledger:
    return load_ledger()


def _examine_claim(key: str) -> Claim:
    named, known = key.strip().casefold(), {claim.key: claim for claim in _ledger().claims}
    if named not in known:
        raise Wrong(_("There is no claim {key!r}; expected one of {known}.", key=named, known=", ".join(known)))
    return known[named]


# Made-up records.


@cache
def _worlds() -> tuple[Records, ...]:
    """Other records of the same form: every share 0, 1 or random, every amount up to 100 times less or more."""
    records, draw = _ledger().records, np.random.default_rng(0)
    ends = [_world(records, lambda: 0.0, lambda: 0.01), _world(records, lambda: 1.0, lambda: 100.0)]
    return (*ends, *(_world(records, draw.random, lambda: 100.0 ** draw.integers(-1, 2)) for _ in range(8)))


def _world(records: Records, share: Callable[[], float], times: Callable[[], float]) -> Records:
    """Records in which each share of right answers is made anew and each amount multiplied. What stays is shared."""
    made = {}
    for field in fields(records):
        if field.name != "published":
            results = getattr(records, field.name)
            made[field.name] = replace(results, record=_remade(results.record, share, times))
    towers = [replace(t, accuracy=100 * share(), gflops=t.gflops * times()) for t in records.published]
    return replace(records, published=tuple(towers), **made)


_SHARES = ("accuracy", "known", "learning", "guessing", "picture_blind", "question_blind", "held_out")
_AMOUNTS = ("flops", "milliseconds", "bytes", "tokens", "steps_to_level")


def _remade(record: dict[str, Any], share: Callable[[], float], times: Callable[[], float]) -> dict[str, Any]:
    def anew(value: Any, make: Callable[[Any], Any]) -> Any:
        if isinstance(value, list):
            return [anew(one, make) for one in value]
        if isinstance(value, dict):
            return {key: anew(one, make) for key, one in value.items()}
        return make(value)

    def up_to(most: int) -> Callable[[Any], int]:
        return lambda old: int(most * share())

    def part(key: str, value: Any) -> Any:
        if key in _SHARES:
            return anew(value, lambda old: share())
        if key in _AMOUNTS:
            return anew(value, lambda old: (old or 1) * times())
        if key == "right":  # counts of right answers, of the cliff
            return anew(value, up_to(int(np.max(value))))
        if key.endswith("runs") or key in ("pilots", "shorter"):
            return [_remade(run, share, times) for run in value]
        return value

    return {key: part(key, value) for key, value in record.items()}


# What is read.


class _Watched:
    """Records that note which experiments are read."""

    def __init__(self, records: Records) -> None:
        self._records, self.read = records, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read.add("published" if name == "tower" else name)
        return getattr(self._records, name)


def _reads(function: Callable[[Any], object]) -> set[str]:
    watched = _Watched(_ledger().records)
    function(watched)
    return watched.read


def _tried(function: Callable[[Any], object]) -> list[object]:
    """What a function returns in the made-up worlds, but for those that it cannot bear."""
    results = []
    for world in _worlds():
        try:
            results.append(function(world))
        except Exception:
            continue
    return results


def _call(function: Callable[[Any], object], raises: str) -> Any:
    """What it returns for the recorded experiments. raises: what to say when it raises."""
    try:
        return function(_ledger().records)
    except Exception as error:
        raise Wrong(_(raises, error=told(error))) from None


# Digits that are no results, in English or Japanese. ASCII: no blank parts a name from the Japanese words behind it.
_NO_RESULT = re.compile(
    r"""\b(?:lesson|section|exercise|figure|distance)\s\d+(?:\.\d+)?   # a place
    | \bwithin\s\d[\d,]*\ssteps\b                                     # a patience
    | [a-z][\w.]*(?:[-/]\w+)*                                          # a name: ResNet-50, ViT-L/14, cnn-3
    | \b\d+\s?[×x]\s?\d+\b                                            # a size
    | \b\d{4}\.\d{4,5}\b                                              # a source
    | \b(?:19|20)\d\d\b(?!\s(?:steps|pictures|tokens|parameters)|ステップ|枚|個)  # a year
    | \b(?:\d+\sof\s(?:the\s)?)?\d+[ -](?=(?:seeds?|runs?|blocks?|layers?|heads?|cells?|pixels?|px)\b)  # a set-up
    | (?:レッスン|図|距離)\d+(?:\.\d+)?                              # the same in Japanese
    | \d+(?:\.\d+)?(?=節)
    | \d[\d,]*ステップ以内
    | \d+(?:個の|つの|回の)?(?=シード|実行|ブロック|層|ヘッド|セル|ピクセル)
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


def _numbers(text: str) -> list[str]:
    return [number.rstrip(".,") for number in re.findall(r"\d[\d.,]*", _NO_RESULT.sub(" ", text))]


def _read(numbers: Sequence[str], others: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The numbers that move with the records: each as it is written today and in every world that writes as many."""
    alike = [other for other in others if len(other) == len(numbers)]
    written = list(zip(numbers, *alike, strict=True))
    return [number for number in written if len(set(number)) > 1] if alike else written


def _apart(written: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Of numbers as they are written in each world, those that say the same as none before: 0.83 and 83 % are one."""
    apart: list[tuple[str, ...]] = []
    for number in written:
        if not any(_says_the_same(number, other) for other in apart):
            apart.append(number)
    return apart


def _says_the_same(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    def told(number: str) -> tuple[float, float]:
        """A number and half of its last digit."""
        return float(number.replace(",", "")), 0.5 * 10.0 ** -len(number.partition(".")[2])

    pairs = [(told(a), told(b)) for a, b in zip(first, second, strict=True)]
    return first == second or any(
        all(abs(a * times - b) <= (half * times + its_half) * 1.001 for (a, half), (b, its_half) in pairs)
        for times in (0.01, 1, 100)
        if times != 1 or any(half != its_half for (_, half), (_, its_half) in pairs)
    )


def _constants(code: object) -> set[str]:
    """The whole numbers that stand in a function's code, also inside its tuples and comprehensions."""
    if isinstance(code, int):
        return {str(code)}
    inside = code if isinstance(code, tuple) else getattr(code, "co_consts", ())
    return {number for one in inside for number in _constants(one)}


def _examine_sentence(sentence: Callable[[Any], object], claim: Claim) -> str:
    text = _call(sentence, N_("Your sentence raises on the recorded experiments: {error}"))
    if not isinstance(text, str):
        raise Wrong(_("Your sentence returns {kind}; expected text, such as an f-string.", kind=kind_of(text)))
    others = [_numbers(str(other)) for other in _tried(sentence)]
    asked = _constants(getattr(sentence, "__code__", ()))
    stays = [number for number in _numbers(text) if all(number in other for other in others)]
    typed = [
        number for number in stays if number.replace(",", "") not in asked
    ]  # "384 pixels" of r.cost.at("vit", 384, …)
    if typed:
        raise Wrong(
            _(
                "Your sentence holds a number typed by hand, {number}: it stays the same whatever the record says. "
                "Read it from r instead.",
                number=typed[0],
            )
        )
    read = _read(_numbers(text), others)
    if len(read) < _MOVED:
        raise Wrong(
            _("Your sentence needs at least two numbers read from r: a number alone is neither large nor small.")
        )
    if len(_apart(read)) < _MOVED:
        raise Wrong(
            _(
                "Your sentence reads one number from r twice. Read another one beside it: a number alone is neither "
                "large nor small."
            )
        )
    _examine_subject(
        sentence, claim, N_("Your sentence is not about the claim {claim!r}, which is measured by: {experiments}.")
    )
    return text


def _examine_subject(function: Callable[[Any], object], claim: Claim, says: str) -> None:
    """Whether it reads an experiment that the claim's own sentences read."""
    own = _reads(claim.measure)
    if not own & _reads(function):
        raise Wrong(_(says, claim=claim.key, experiments=", ".join(sorted(own))))


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
_PROOF = re.compile(r"\b(theorem|proof|proven|proves?|proved)\b", re.IGNORECASE)


def _examine_limits(text: str) -> None:
    said = _CANNOT.search(_CAREFUL.sub("", text))
    if said and not _PROOF.search(text):
        raise Wrong(
            _(
                "You write {said!r}. Say which theorem it follows from; a measurement allows 'not within so many "
                "steps', no more.",
                said=said[0],
            )
        )


_ARXIV = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?!\d)")


def _examine_source(cites: object) -> None:
    sources = cites if isinstance(cites, list | tuple) else [cites]
    for source in sources:
        if not isinstance(source, str):
            raise Wrong(_("'cites' is {kind}; expected text, such as '2001.03615'.", kind=kind_of(cites)))
        if not _names_of(source) & _known_sources():
            raise Wrong(
                _(
                    "{source!r} is none of the course's checked sources. Give one as it stands in the ledger, in "
                    "lesson 07's table or among the references of a lesson, for instance '2001.03615'.",
                    source=source,
                )
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


def _examine_change(change: Callable[[Any], object], claim: Claim) -> None:
    holds = _call(change, N_("Your change raises on the recorded experiments: {error}"))
    if not isinstance(holds, bool | np.bool_):
        raise Wrong(
            _("Your change returns {kind}; expected a comparison, which is True or False.", kind=kind_of(holds))
        )
    _examine_subject(
        change,
        claim,
        N_("What would change your mind is not about the claim {claim!r}, which is measured by: {experiments}."),
    )
    if holds:
        raise Wrong(_("Your change is True today. It should have changed your mind."))
    if not any(_tried(change)):
        raise Wrong(
            _(
                "Your change is False in every record that we made up, also where all shares are 0 or 1 and all "
                "amounts 100 times smaller or larger. A verdict that nothing could overturn is no verdict."
            )
        )
