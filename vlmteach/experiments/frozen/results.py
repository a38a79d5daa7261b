"""What was recorded behind frozen encoders, as lessons read it, and the trained models that came out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.families import FamilyResults
from vlmteach.experiments.frozen.models import build_behind
from vlmteach.experiments.intervals import half_interval
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, load_shipped, read_results
from vlmteach.nn import VisionLanguageModel
from vlmteach.training import load_weights

Run = dict[str, Any]  # one run, as run_case makes it
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class FrozenResults(FamilyResults):
    """What was recorded. record: the JSON file's content: recipe, versions, code, `encoders`, `pilots`, `runs`."""

    def title(self, encoder: str) -> str:
        """A frozen encoder in words."""
        return self.record["encoders"][encoder]["title"]

    def connector_title(self, connector: str) -> str:
        """A connector in words."""
        return self.record["connectors"][connector]

    def tokens(self, encoder: str) -> int:
        """How many tokens a frozen encoder gives to a connector."""
        return self.record["encoders"][encoder]["tokens"]

    def cells(self) -> list[tuple[str, str]]:
        """(encoder, connector) of each cell whose three seeds are all there, in the order in which they were made."""
        found = dict.fromkeys((run["encoder"], run["connector"]) for run in self.record["runs"])
        return [cell for cell in found if {run["seed"] for run in self._of(*cell)} == set(SEEDS)]

    def trained(self, encoder: str) -> bool:
        """Whether a frozen encoder had learned from photographs; the controls had not."""
        return self.record["encoders"][encoder]["weights"] != "untrained"

    def runs(self, encoder: str, connector: str) -> list[Run]:
        """The runs of one cell, one for each seed. Raises ValueError for a cell that is not finished."""
        if (encoder, connector) not in self.cells():
            known = "; ".join(" × ".join(cell) for cell in self.cells()) or "none"
            raise ValueError(
                f"the cell {encoder} × {connector} does not have its three seeds; those that have: {known}."
            )
        return self._of(encoder, connector)

    def accuracy(self, encoder: str, connector: str, what: str = "accuracy") -> NDArray[np.float64]:
        """(seeds, 6): accuracy of each family on new scenes. what: also "picture_blind" or "question_blind"."""
        return np.array([run[what] for run in self.runs(encoder, connector)])

    def seeds(self, encoder: str, connector: str, family: str) -> NDArray[np.float64]:
        """(seeds,): accuracy of one cell in one family of questions."""
        return self.accuracy(encoder, connector)[:, self.index(family)]

    def margins(self, encoder: str, connector: str) -> NDArray[np.float64]:
        """(6,): half of the 95 % interval around the mean of the seeds, as half_interval has it."""
        accuracy, errors = (self.accuracy(encoder, connector, what) for what in ("accuracy", "standard_error"))
        return half_interval(accuracy, errors)

    def shipped(self) -> list[tuple[str, str]]:
        """(encoder, connector) of each cell whose trained weights come with the course."""
        return [(key.partition("/")[0], key.partition("/")[2]) for key in self.record["checkpoints"]]

    def _of(self, encoder: str, connector: str) -> list[Run]:
        return [run for run in self.record["runs"] if (run["encoder"], run["connector"]) == (encoder, connector)]


def load_results(folder: Path = RESULTS) -> FrozenResults:
    """The record behind frozen encoders. Raises FileNotFoundError when there is none."""
    return FrozenResults(read_results("frozen", folder))


def load_behind(encoder: str, connector: str, folder: Path = CHECKPOINTS) -> VisionLanguageModel:
    """A trained cell, in eval mode, its weights verified against the record; it takes kept tokens (see Kept).

    Raises ValueError for a cell that is not shipped, CheckpointError when the file is not the recorded one.
    """
    checkpoint = load_shipped(load_results().record, f"{encoder}/{connector}", folder)
    model = build_behind(encoder, connector, seed=0)
    load_weights(model, checkpoint.tensors, checkpoint.source)
    return model.eval()
