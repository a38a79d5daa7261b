"""Record what can be learned behind frozen encoders: a learning rate for each cell, then three seeds, by worth.

The record is written again after each round, so that it always holds what is there; `missing` counts what is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from vlmteach.experiments.frozen import run as making
from vlmteach.experiments.frozen.encoders import look
from vlmteach.experiments.frozen.features import BATCH, Features
from vlmteach.experiments.frozen.models import CONNECTORS, ENCODERS, build_behind
from vlmteach.experiments.frozen.results import SEEDS, FrozenResults, Run
from vlmteach.experiments.frozen.run import (
    FIRST,
    RECIPE,
    TESTED,
    TRAIN_SEED,
    VALIDATED,
    WINDOW,
    Case,
    run_case,
    shuffled,
)
from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.matrix.train import HELD_OUT, AnswerLoss
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, versions, write_results
from vlmteach.experiments.restamp import Experiment
from vlmteach.experiments.result import Result
from vlmteach.experiments.runs import RunFolder
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.scenes.guessing import guess_rate
from vlmteach.training import Recipe

BATCHES = 64  # in the set that is learned from
RATES = (1e-3, 2e-3, 4e-3)
PILOT = replace(RECIPE, steps=100)
LONGER = 2  # times the steps of the recipe: after the recipe's own, the ViT still learned attributes
PILOT_SEED = 9  # of the weights; those of the record have other ones
GUESSING = 16_384  # pictures from which the rate of guessing is counted


class Cell(NamedTuple):
    """A frozen encoder and a connector."""

    encoder: str
    connector: str

    @classmethod
    def of(cls, run: Run) -> Cell:
        """The cell of a recorded run."""
        return cls(run["encoder"], run["connector"])

    def pilots(self) -> list[Case]:
        """Short runs, one at every rate."""
        return [Case(*self, PILOT_SEED, BATCHES, replace(PILOT, learning_rate=rate)) for rate in RATES]

    def seeds(self, rate: float, longer: int = LONGER) -> list[Case]:
        """One run for each seed. longer: how many times as many steps as the recipe has."""
        recipe = replace(RECIPE, learning_rate=rate, steps=longer * RECIPE.steps)
        return [Case(*self, seed, BATCHES, recipe) for seed in SEEDS]


# In the order in which they are made: what the course's sentences need most comes first.
ROUNDS = (
    [Cell(encoder, "cross-attention") for encoder in ("cnn", "vit")],
    [Cell(encoder, "prefix") for encoder in ("cnn", "vit")],
    [Cell("cnn-untrained", "cross-attention"), Cell("vit-own", "cross-attention")],
    [Cell(encoder, "vector") for encoder in ("cnn", "vit")],
    [Cell("vit-untrained", "cross-attention"), Cell("vit-own", "prefix"), Cell("vit-own", "vector")],
)
SHIPPED = (Cell("cnn", "cross-attention"), Cell("vit", "cross-attention"))


def chosen_rate(pilots: Sequence[Run]) -> float:
    """The learning rate with the lowest loss on the validation scenes. pilots: of one cell."""
    return min(pilots, key=lambda run: run["validation_loss"])["learning_rate"]


def features_of(encoder: str) -> Features:
    """What a frozen encoder sees, kept beside the weights that torch has downloaded."""
    return Features(ENCODERS[encoder], look, Path(torch.hub.get_dir()) / "vlmteach" / "frozen")


def make_run(case: Case) -> Result:
    """One run, with its weights only where they are shipped."""
    result = run_case(case, features_of(case.encoder))
    ships = Cell.of(result.run) in SHIPPED and case.seed == SEEDS[0] and case.recipe.steps == LONGER * RECIPE.steps
    return result if ships else result._replace(weights={})


def case_of(run: Run, record: dict[str, Any]) -> Case:
    """The case of a recorded run."""
    recipe = replace(Recipe(**record["recipe"]), steps=run["steps"], learning_rate=run["learning_rate"])
    return Case(*Cell.of(run), run["seed"], run["pictures"] // BATCH, recipe)


def begin(case: Case) -> Any:
    """(model, batch, loss) of a case, for fit; a frozen encoder looks only at the batches that are asked for."""
    features = features_of(case.encoder)
    batch = shuffled(case.seed, case.batches, lambda number: features.batch(TRAIN_SEED, number))
    return build_behind(case.encoder, case.connector, case.seed), batch, AnswerLoss()


EXPERIMENT = Experiment(
    "frozen",
    making.__name__,
    case_of,
    make_run,
    begin,
    first=FIRST,
    kind=Cell.of,
    final=lambda run, record: run["accuracy"],
    tolerance=0.03,
)


class Recorder:
    """Makes the runs of all rounds, keeps them in a folder, and writes the record of those that are there."""

    def __init__(self, folder: Path, rounds: Sequence[Sequence[Cell]] = ROUNDS, workers: int = 1) -> None:
        self.runs, self.rounds, self.workers = RunFolder(folder, making.__name__), rounds, workers

    def make(self) -> FrozenResults:
        """Make every run that is not there yet, seed by seed. Ctrl-C loses at most the runs at work."""
        for cells in self.rounds:
            for cell in cells:
                self.runs.make(make_run, cell.pilots(), self.workers)
            for cases in zip(*(cell.seeds(self._rate(cell)) for cell in cells), strict=True):
                self.runs.make(make_run, cases, self.workers)
                results = self.assemble()
        return results

    def assemble(self, results: Path = RESULTS, checkpoints: Path = CHECKPOINTS) -> FrozenResults:
        """Write frozen.json, with all finished runs, and the shipped weights of those that are there."""
        cells = [cell for cells in self.rounds for cell in cells]
        pilots = self._there([case for cell in cells for case in cell.pilots()])
        piloted = {cell: self._rate(cell) for cell in cells if len(self._there(cell.pilots())) == len(RATES)}
        wanted = [case for cell, rate in piloted.items() for case in cell.seeds(rate)]
        runs = self._there(wanted)
        shorter = self._there([case for cell, rate in piloted.items() for case in cell.seeds(rate, longer=1)])
        record = {
            "experiment": "frozen",
            "recipe": asdict(RECIPE),
            "steps": LONGER * RECIPE.steps,
            "batch": BATCH,
            "pictures": BATCHES * BATCH,
            "validated": VALIDATED * BATCH,
            "tested": TESTED * BATCH,
            "window": WINDOW,
            "rates": list(RATES),
            "pilot_steps": PILOT.steps,
            "families": list(QUESTION_FAMILIES),
            "guessing": guess_rate(make_batch(GUESSING, TEST_SEED + 2, pairs=~HELD_OUT)),
            "versions": versions(),
            "code": self.runs.code,
            "stamps": self.runs.stamps,
            "encoders": {name: _describe(name) for name in ENCODERS},
            "connectors": CONNECTORS,
            "checkpoints": self._ship(wanted, checkpoints),
            "missing": len(SEEDS) * len(cells) - len(runs),
            "pilots": pilots,
            "runs": runs,
            "shorter": shorter,
        }
        write_results("frozen", record, results)
        return FrozenResults(record)

    def _rate(self, cell: Cell) -> float:
        return chosen_rate(self.runs.runs(cell.pilots()))

    def _there(self, cases: Sequence[Case]) -> list[Run]:
        return [run for case in cases if (run := self.runs.finished(case)) is not None]

    def _ship(self, cases: Sequence[Case], checkpoints: Path) -> dict[str, Any]:
        shipped = {}
        for case in cases:
            cell = Cell(case.encoder, case.connector)
            if cell in SHIPPED and case.seed == SEEDS[0] and self.runs.finished(case):
                file = f"frozen-{case.encoder}-{case.connector}.safetensors"
                digest = self.runs.ship(case, checkpoints / file, "frozen")
                shipped[f"{case.encoder}/{case.connector}"] = {"file": file, "sha256": digest}
        return shipped


def _describe(name: str) -> dict[str, Any]:
    encoder = ENCODERS[name]
    return {**asdict(encoder), "tokens": encoder.tokens}
