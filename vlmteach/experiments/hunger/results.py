"""Recorded data hunger, as lessons read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.families import FamilyResults
from vlmteach.experiments.recording import RESULTS, read_results


@dataclass(frozen=True)
class HungerResults(FamilyResults):
    """What was recorded. record: the JSON file's content: recipe, versions, code, and `runs`."""

    @property
    def encoders(self) -> dict[str, str]:
        """The titles of the encoders, by name."""
        return self.record["encoders"]

    def curve(self, encoder: str) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Pictures in the set (sizes,); accuracy on new pictures and on the set itself, (sizes, 6) each.

        Raises ValueError for an encoder that was not recorded.
        """
        if encoder not in self.encoders:
            raise ValueError(f"no encoder {encoder!r} was recorded; expected one of {', '.join(self.encoders)}.")
        runs = sorted(
            (run for run in self.record["runs"] if run["encoder"] == encoder), key=lambda run: run["pictures"]
        )
        new, known = ([run[key] for run in runs] for key in ("accuracy", "known"))
        return np.array([run["pictures"] for run in runs]), np.array(new), np.array(known)


def load_results(folder: Path = RESULTS) -> HungerResults:
    """Recorded data hunger. Raises FileNotFoundError when there is none."""
    return HungerResults(read_results("hunger", folder))
