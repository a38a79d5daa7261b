"""A recorded game, as lessons read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.intervals import Mean, mean_share
from vlmteach.experiments.recording import steps_to_level

Run = dict[str, Any]


@dataclass(frozen=True)
class GameResults:
    """What was recorded. record: the JSON file's content: recipe, versions, code, `encoders`, `pilots` and `runs`."""

    record: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """The encoders, in the order of the comparison."""
        return list(self.record["encoders"])

    @property
    def asked(self) -> NDArray[np.int64]:
        """(kinds,): test pictures of each kind, of one seed; every seed is tested on the same."""
        return np.array(self.record["asked"])

    def title(self, name: str) -> str:
        """An encoder in words."""
        return self._encoder(name)["title"]

    def parameters(self, name: str) -> int:
        """How many numbers an encoder with its read-out learns."""
        return self._encoder(name)["parameters"]

    def right(self, name: str) -> NDArray[np.int64]:
        """(seeds, kinds): how many test pictures of each kind were answered."""
        return np.array([run["right"] for run in self.runs(name)])

    def share(self, name: str, kinds: NDArray[np.bool_]) -> Mean:
        """The share of right answers among the test pictures of some kinds. kinds: (kinds,), which of them."""
        return mean_share(self.right(name)[:, kinds].sum(axis=1), int(self.asked[kinds].sum()))

    def steps_to_level(self, name: str) -> NDArray[np.float64]:
        """(seeds, 7): steps until 95 % of a window's new pictures were right; NaN when that never came."""
        return steps_to_level(self.runs(name))

    def runs(self, name: str) -> list[Run]:
        """The runs of one encoder, one for each seed. Raises ValueError, naming those there are, for another name."""
        self._encoder(name)
        return [run for run in self.record["runs"] if run["encoder"] == name]

    def _encoder(self, name: str) -> dict[str, Any]:
        if name not in self.record["encoders"]:
            raise ValueError(f"no encoder {name!r} was recorded; expected one of {', '.join(self.names)}.")
        return self.record["encoders"][name]
