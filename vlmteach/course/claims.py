"""The article's claims as a ledger: its sentence, what was measured, what others wrote, and a verdict to argue with.

What does not depend on a record stands in claims.json. What does is a function of measured.py, which is called whenever
a claim is shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from vlmteach.course.measured import CLAIMS, Measured
from vlmteach.course.records import Records, load_records
from vlmteach.experiments.recording import RESULTS
from vlmteach.views.ledger import ChangesView, ClaimView, LedgerView, SentencesView

VERDICTS = (
    "true, but incomplete",
    "half true",
    "loose wording",
    "historical",
    "often true, but not forced",
    "one reason of several",
    "missing from the article",
)


@dataclass(frozen=True)
class Cited:
    """What others found, and where it can be checked."""

    says: str
    source: str


@dataclass(frozen=True)
class Claim:
    """One claim. japanese, english: the article's sentence, empty where it is silent.

    change: what would change our mind.
    """

    key: str
    title: str
    japanese: str
    english: str
    cited: tuple[Cited, ...]
    verdict: str
    because: str
    change: str

    def measure(self, records: Records) -> Measured:
        """What the recorded experiments say about it."""
        return CLAIMS[self.key](records)


def load_claims() -> tuple[Claim, ...]:
    """The claims in the article's order. Raises ValueError for an entry whose key or verdict is unknown."""
    text = (resources.files("vlmteach.course") / "claims.json").read_text(encoding="utf-8")
    return tuple(_claim(entry) for entry in json.loads(text))


def _claim(entry: dict[str, Any]) -> Claim:
    claim = Claim(**{**entry, "cited": tuple(Cited(**cited) for cited in entry["cited"])})
    if claim.verdict not in VERDICTS:
        raise ValueError(f"claim {claim.key!r} has the verdict {claim.verdict!r}; expected one of {VERDICTS}.")
    if claim.key not in CLAIMS:
        raise ValueError(f"nothing is measured for claim {claim.key!r}; expected one of {', '.join(CLAIMS)}.")
    return claim


@dataclass(frozen=True)
class Ledger:
    """The claims beside what was recorded."""

    claims: tuple[Claim, ...]
    records: Records

    def claim(self, key: str) -> ClaimView:
        """One claim in full. Raises ValueError for an unknown key."""
        return ClaimView(self._shown(self.find(key)))

    def sentences(self) -> SentencesView:
        """The article's sentences alone, in both languages, for a guess before anything is measured."""
        return SentencesView([self._shown(claim) for claim in self.claims if claim.japanese])

    def all(self) -> LedgerView:
        """Every claim with its verdict, and whether the record still bears it out."""
        return LedgerView([self._shown(claim) for claim in self.claims])

    def changes(self) -> ChangesView:
        """What would change each verdict."""
        return ChangesView([self._shown(claim) for claim in self.claims])

    def find(self, key: str) -> Claim:
        """A claim by its key. Raises ValueError, naming those there are, when there is none."""
        for claim in self.claims:
            if claim.key == key:
                return claim
        raise ValueError(f"there is no claim {key!r}; expected one of {', '.join(claim.key for claim in self.claims)}.")

    def unsupported(self) -> list[str]:
        """Facts that a verdict rests on and that the record does not bear out; empty as long as all verdicts stand."""
        return [
            f"{claim.key}: {fact.says}"
            for claim in self.claims
            for fact in claim.measure(self.records).facts
            if not fact.holds
        ]

    def _shown(self, claim: Claim) -> dict[str, Any]:
        measured = claim.measure(self.records)
        return {
            "title": claim.title,
            "japanese": claim.japanese,
            "english": claim.english,
            "measured": measured.sentences,
            "facts": [{"says": fact.says, "told": fact.told, "holds": fact.holds} for fact in measured.facts],
            "cited": [(cited.says, cited.source) for cited in claim.cited],
            "verdict": claim.verdict,
            "because": claim.because,
            "change": claim.change,
        }


def load_ledger(folder: Path = RESULTS) -> Ledger:
    """The article's claims beside the recorded experiments of a folder."""
    return Ledger(load_claims(), load_records(folder))
