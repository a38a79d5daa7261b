"""The recorded matrix, as lessons read it, and the trained models that came out of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vlmteach.experiments.families import FamilyResults
from vlmteach.experiments.matrix.models import build_vlm
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, load_shipped, read_results, steps_to_level
from vlmteach.nn import VisionLanguageModel
from vlmteach.pictures.scenes.batches import make_batch
from vlmteach.training import load_weights

Run = dict[str, Any]  # one run, as record.run_case makes it
Kind = Literal["runs", "shorter", "pilots"]  # seeds; of a retrained cell, those before; one at each rate


@dataclass(frozen=True)
class MatrixResults(FamilyResults):
    """What was recorded. record: the JSON file's content: recipe, versions, code, `pilots`, `runs`, `shorter`."""

    def encoder_title(self, name: str) -> str:
        """An encoder's name in words."""
        return self.record["encoders"][name]["title"]

    def connector_title(self, name: str) -> str:
        """A connector's name in words."""
        return self.record["connectors"][name]

    def parameters(self, encoder: str) -> int:
        """How many numbers an encoder learns."""
        return self.record["encoders"][encoder]["parameters"]

    def runs(self, encoder: str, connector: str, positions: bool = True, kind: Kind = "runs") -> list[Run]:
        """The runs of one cell, one for each seed or, of pilots, rate. Raises ValueError when there is none."""
        cell = {"encoder": encoder, "connector": connector, "positions": positions}
        if found := [run for run in self.record[kind] if cell.items() <= run.items()]:
            return found
        raise ValueError(f"none of the {len(self.record[kind])} recorded {kind} has {cell}.")

    def retrained(self) -> list[tuple[str, str]]:
        """The cells that were trained anew for longer: an encoder and a connector each."""
        return list(dict.fromkeys((run["encoder"], run["connector"]) for run in self.record["shorter"]))

    def accuracy(
        self, encoder: str, connector: str, positions: bool = True, kind: Kind = "runs"
    ) -> NDArray[np.float64]:
        """(seeds, 6) or, of pilots, (rates, 6): accuracy of each family on new scenes."""
        return np.array([run["accuracy"] for run in self.runs(encoder, connector, positions, kind)])

    def seeds(
        self, encoder: str, connector: str, family: str, *, positions: bool = True, kind: Kind = "runs"
    ) -> NDArray[np.float64]:
        """(seeds,) or, of pilots, (rates,): accuracy of one cell in one family of questions."""
        return self.accuracy(encoder, connector, positions, kind)[:, self.index(family)]

    def every_seed(self, connector: str, family: str) -> NDArray[np.float64]:
        """(encoders * seeds,): accuracy in one family of a connector with positions, behind every encoder."""
        number = self.index(family)
        runs = (run for run in self.record["runs"] if run["connector"] == connector and run["positions"])
        return np.array([run["accuracy"][number] for run in runs])

    def luck(self, family: str) -> float:
        """What somebody who can only guess gets with much luck: the guess rate and three standard deviations."""
        guess, number = self.guess(family), self.index(family)
        four = make_batch(4, 0)  # the kinds of questions to a picture are always the same
        questions = int((four.family == number).sum()) * self.record["tested"] / 4
        return guess + 3 * math.sqrt(guess * (1 - guess) / questions)

    def reached(self, encoder: str, connector: str, family: str) -> tuple[NDArray[np.float64], int]:
        """Steps until each seed of a cell came to the level in a family (seeds,), NaN: never; and how many it had."""
        runs = self.runs(encoder, connector)
        return self.steps_to_level(runs)[:, self.index(family)], runs[0]["steps"]

    def learning(self, runs: Sequence[Run]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps (windows,) and accuracy on pictures never seen before (runs, windows, 6); runs: equally long ones."""
        curves = np.array([run["learning"] for run in runs])
        return self.record["window"] * np.arange(1, curves.shape[1] + 1), curves

    def steps_to_level(self, runs: Sequence[Run]) -> NDArray[np.float64]:
        """(runs, 6): steps until a window reached 95 %; NaN when none did."""
        return steps_to_level(runs)

    def table(self, encoders: list[str], connectors: list[str]) -> NDArray[np.float64]:
        """(encoders, connectors, 6): accuracy, mean over the seeds."""
        return np.array([[self.accuracy(encoder, way).mean(axis=0) for way in connectors] for encoder in encoders])


def load_results(folder: Path = RESULTS) -> MatrixResults:
    """The recorded matrix. Raises FileNotFoundError when there is none."""
    return MatrixResults(read_results("matrix", folder))


def load_vlm(encoder: str, connector: str, folder: Path = CHECKPOINTS) -> VisionLanguageModel:
    """A trained cell of the matrix, in eval mode, its weights verified against the record.

    Raises ValueError for a cell that is not shipped, CheckpointError when the file is not the recorded one.
    """
    record, key = load_results().record, f"{encoder}/{connector}"
    checkpoint = load_shipped(record, key, folder)
    model = build_vlm(encoder, connector, record["checkpoints"][key]["positions"], seed=0)
    load_weights(model, checkpoint.tensors, checkpoint.source)
    return model.eval()
