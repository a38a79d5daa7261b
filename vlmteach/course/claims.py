"""The article's claims as a ledger: its sentence, what was measured, what others wrote, and a verdict to argue with.

The claims stand in claims.json. Their sentences hold addresses instead of numbers (evidence.py), and each verdict names
the comparisons that it rests on; they are made anew from the records whenever a claim is shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from vlmteach.course.evidence import Evidence, load_evidence
from vlmteach.course.numbers import Number
from vlmteach.experiments.recording import RESULTS
from vlmteach.views.ledger import ChangesView, ClaimView, LedgerView, Prose, SentencesView

VERDICTS = (
    "true, but incomplete",
    "half true",
    "loose wording",
    "historical",
    "false as an implication",
    "one reason of several",
)


@dataclass(frozen=True)
class Fact:
    """A comparison that a verdict rests on. left: an address; relation: ">=" or "<="; right: an address or a number."""

    says: str
    left: str
    relation: str
    right: str | float

    def check(self, evidence: Evidence) -> dict[str, Any]:
        """The fact as a view shows it: what it says, the two sides in words, and whether the record bears it out."""
        left = evidence.number(self.left)
        right = evidence.number(self.right) if isinstance(self.right, str) else Number(self.right, f"{self.right:g}")
        holds = left.value >= right.value if self.relation == ">=" else left.value <= right.value
        sign = "at least" if self.relation == ">=" else "at most"
        return {"says": self.says, "told": f"{left.text}, should be {sign} {right.text}", "holds": holds}


@dataclass(frozen=True)
class Cited:
    """What others found, and where it can be checked."""

    says: str
    source: str


@dataclass(frozen=True)
class Claim:
    """One claim. measured: sentences with addresses; change: what would change our mind."""

    key: str
    title: str
    japanese: str
    english: str
    measured: tuple[str, ...]
    rests: tuple[Fact, ...]
    cited: tuple[Cited, ...]
    verdict: str
    because: str
    change: str


def load_claims() -> tuple[Claim, ...]:
    """The claims in the article's order. Raises ValueError for an entry whose verdict or relation is unknown."""
    text = (resources.files("vlmteach.course") / "claims.json").read_text(encoding="utf-8")
    return tuple(_claim(entry) for entry in json.loads(text))


def _claim(entry: dict[str, Any]) -> Claim:
    parts = {
        "measured": tuple(entry["measured"]),
        "rests": tuple(Fact(**fact) for fact in entry["rests"]),
        "cited": tuple(Cited(**cited) for cited in entry["cited"]),
    }
    claim = Claim(**{**entry, **parts})
    if claim.verdict not in VERDICTS:
        raise ValueError(f"claim {claim.key!r} has the verdict {claim.verdict!r}; expected one of {VERDICTS}.")
    if wrong := {fact.relation for fact in claim.rests} - {">=", "<="}:
        raise ValueError(f"claim {claim.key!r} has the relation {sorted(wrong)}; expected >= or <=.")
    return claim


@dataclass(frozen=True)
class Ledger:
    """The claims beside what was recorded."""

    claims: tuple[Claim, ...]
    evidence: Evidence

    def claim(self, key: str) -> ClaimView:
        """One claim in full. Raises ValueError for an unknown key."""
        return ClaimView(self._shown(self.find(key)))

    def sentences(self) -> SentencesView:
        """The article's sentences alone, in both languages, for a guess before anything is measured."""
        return SentencesView([self._shown(claim) for claim in self.claims])

    def all(self) -> LedgerView:
        """Every claim with its verdict, and whether the record still bears it out."""
        return LedgerView([self._shown(claim) for claim in self.claims])

    def changes(self) -> ChangesView:
        """What would change each verdict."""
        return ChangesView([self._shown(claim) for claim in self.claims])

    def tell(self, text: str) -> Prose:
        """A sentence whose {addresses} are replaced by what the record says."""
        return Prose(self.evidence.fill(text))

    def find(self, key: str) -> Claim:
        """A claim by its key. Raises ValueError, naming those there are, when there is none."""
        for claim in self.claims:
            if claim.key == key:
                return claim
        raise ValueError(f"there is no claim {key!r}; expected one of {', '.join(claim.key for claim in self.claims)}.")

    def unsupported(self) -> list[str]:
        """Facts that a verdict rests on and that the record does not bear out; empty as long as all verdicts stand."""
        return [
            f"{claim.key}: {fact['says']}" for claim in self.claims for fact in self._facts(claim) if not fact["holds"]
        ]

    def _facts(self, claim: Claim) -> list[dict[str, Any]]:
        return [fact.check(self.evidence) for fact in claim.rests]

    def _shown(self, claim: Claim) -> dict[str, Any]:
        return {
            "title": claim.title,
            "japanese": claim.japanese,
            "english": claim.english,
            "measured": [self.evidence.fill(sentence) for sentence in claim.measured],
            "facts": self._facts(claim),
            "cited": [(cited.says, cited.source) for cited in claim.cited],
            "verdict": claim.verdict,
            "because": claim.because,
            "change": claim.change,
        }


def load_ledger(folder: Path = RESULTS) -> Ledger:
    """The article's claims beside the recorded experiments of a folder."""
    return Ledger(load_claims(), load_evidence(folder))
