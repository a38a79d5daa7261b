"""What records of questions to scenes have in common: the families, and how far one comes in each without looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FamilyResults:
    """A record of accuracies by family of questions. record: the JSON file's content."""

    record: dict[str, Any]

    @property
    def families(self) -> list[str]:
        """The families of questions, in the order of every (…, 6) of the record."""
        return self.record["families"]

    @property
    def guessing(self) -> NDArray[np.float64]:
        """(6,): how often one is right without looking."""
        return np.array([self.record["guessing"][family] for family in self.families])

    def index(self, family: str) -> int:
        """The place of a family in every (…, 6). Raises ValueError, naming the families, for one that is not there."""
        if family not in self.families:
            raise ValueError(f"there is no family of questions {family!r}; expected one of {', '.join(self.families)}.")
        return self.families.index(family)

    def guess(self, family: str) -> float:
        """How often one is right in a family without looking."""
        return float(self.guessing[self.index(family)])
