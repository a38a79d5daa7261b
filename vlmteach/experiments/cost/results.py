"""Recorded cost, as lessons read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.recording import RESULTS, read_results

QUANTITIES = ("tokens", "flops", "milliseconds", "bytes")


@dataclass(frozen=True)
class CostResults:
    """What was recorded. record: the JSON file's content: versions, machine, `encoder_runs` and `connector_runs`."""

    record: dict[str, Any]

    @property
    def encoders(self) -> dict[str, str]:
        """The titles of the encoders, by name."""
        return self.record["encoders"]

    @property
    def connectors(self) -> dict[str, str]:
        """The titles of the connectors, by name."""
        return self.record["connectors"]

    def encoder(self, name: str, quantity: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Sides in pixels, and one of QUANTITIES at each. Raises ValueError for an unknown name or quantity."""
        return self._curve("encoder", name, quantity)

    def connector(self, name: str, quantity: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The same for a connector with the language model behind it."""
        return self._curve("connector", name, quantity)

    def at(self, part: str, side: int, quantity: str) -> float:
        """One of QUANTITIES of an encoder, or of a connector with the language model behind it, at one side in pixels.

        Raises ValueError for an unknown name or quantity, and for a side that was not measured.
        """
        sides, values = (self.encoder if part in self.encoders else self.connector)(part, quantity)
        if side not in sides:
            raise ValueError(f"no cost at {side} pixels was recorded; expected one of {', '.join(map(str, sides))}.")
        return float(values[sides == side][0])

    def _curve(self, kind: str, name: str, quantity: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        known = self.record[f"{kind}s"]
        if name not in known or quantity not in QUANTITIES:
            raise ValueError(
                f"no {quantity!r} of {name!r} was recorded; expected one of {', '.join(QUANTITIES)} of one of "
                f"{', '.join(known)}."
            )
        runs = [run for run in self.record[f"{kind}_runs"] if run[kind] == name]
        return np.array([run["side"] for run in runs]), np.array([run[quantity] for run in runs], dtype=np.float64)


def load_results(folder: Path = RESULTS) -> CostResults:
    """Recorded cost. Raises FileNotFoundError when there is none."""
    return CostResults(read_results("cost", folder))
