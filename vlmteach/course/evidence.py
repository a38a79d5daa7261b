"""Measured numbers by their address, so that no sentence about a result holds a number itself.

    evidence = load_evidence()
    evidence.tell("With cross-attention it reaches {accuracy: cnn-small, cross-attention, far relation}.")

An address is a kind and, behind a colon, what is asked for. It is looked up in the recorded experiments each time, so
a sentence always says what the record says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vlmteach.course.numbers import KINDS, Number, Records, load_records
from vlmteach.experiments.recording import RESULTS

ADDRESS = re.compile(r"\{([a-z -]+): ([^{}]+)\}")


@dataclass(frozen=True)
class Evidence:
    """All that was recorded, asked by address."""

    records: Records

    def number(self, address: str) -> Number:
        """What stands at an address such as "accuracy: vit, prefix, where".

        Raises ValueError, naming what there is, for an address that leads nowhere.
        """
        kind, colon, rest = address.partition(":")
        if not colon or kind.strip() not in KINDS:
            examples = "; ".join(known.example for known in KINDS.values())
            raise ValueError(f"there is no number {address!r}; expected one like: {examples}.")
        known = KINDS[kind.strip()]
        parts = [part.strip() for part in rest.split(",")]
        if len(parts) != known.parts:
            raise ValueError(f"{address!r} has {len(parts)} parts behind the colon; expected {known.example!r}.")
        return known.find(self.records, *parts)

    def fill(self, text: str) -> str:
        """A text with every {address} in it replaced by the number in words."""
        return ADDRESS.sub(lambda found: self.number(f"{found[1]}: {found[2]}").text, text)


def load_evidence(folder: Path = RESULTS) -> Evidence:
    """The recorded experiments of this course. Raises FileNotFoundError when one of them is missing."""
    return Evidence(load_records(folder))
