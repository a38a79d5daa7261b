"""Record the matrix: for each cell first the learning rate, then three seeds, and more steps where they were too few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from vlmteach.experiments.matrix import run as making
from vlmteach.experiments.matrix.models import CONNECTORS, ENCODERS, attention_layers, connector_parameters
from vlmteach.experiments.matrix.results import MatrixResults
from vlmteach.experiments.matrix.run import WINDOW, Case, run_case
from vlmteach.experiments.matrix.train import BATCH, HELD_OUT, LEVEL, RECIPE, TEST_SEED, TESTED
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, versions, write_results
from vlmteach.experiments.result import Result
from vlmteach.experiments.runs import RunFolder
from vlmteach.pictures.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.guessing import guess_rate
from vlmteach.training import save_checkpoint

SEEDS = (0, 1, 2)
RATES = (5e-4, 1e-3, 2e-3, 4e-3)
PILOT = replace(RECIPE, steps=600)  # 30 % of the length, to choose a learning rate for each cell
LONGER = 2  # times as many steps for a cell in which a seed's attributes stay below the level
GUESSING = 65_536  # pictures from which the rate of guessing is counted
ATTRIBUTE = QUESTION_FAMILIES.index("attribute")
COMPARED = ("cnn-small", "cnn-large", "cnn-attention", "conv-stem-vit", "vit")
WAYS = ("prefix", "deep-prefix", "cross-attention", "resampler", "attention-pool", "vector")


class Cell(NamedTuple):
    """An eye and a connector; positions: whether the connector adds each token's place."""

    encoder: str
    connector: str
    positions: bool = True

    def pilots(self) -> list[Case]:
        """Short runs, one at every rate."""
        return [Case(*self, SEEDS[0], replace(PILOT, learning_rate=rate)) for rate in RATES]

    def seeds(self, rate: float, longer: int = 1) -> list[Case]:
        """One run for each seed. longer: how many times as many steps as the recipe has."""
        recipe = replace(RECIPE, learning_rate=rate, steps=longer * RECIPE.steps)
        return [Case(*self, seed, recipe) for seed in SEEDS]


_BY_WORTH = ("vit", "cnn-small", "cnn-large", "conv-stem-vit", "cnn-attention")
# In the order in which they are made: what the course's sentences need most comes first.
CELLS = (
    *(Cell(eye, way) for eye in _BY_WORTH for way in ("prefix", "deep-prefix")),
    *(Cell(eye, way) for way in ("resampler", "vector", "cross-attention", "attention-pool") for eye in _BY_WORTH),
)
# The theorem and its leak. A control learns at the rate of the cell that it is compared with.
CONTROLS = {
    Cell("cnn-small", "vector", positions=False): Cell("cnn-small", "vector"),  # a bag of windows
    Cell("vit-bag", "cross-attention", positions=False): Cell("vit", "cross-attention"),  # a bag of patches
    Cell("cnn-small-zeros", "vector", positions=False): Cell("cnn-small", "vector"),  # zero padding tells the border
}
SHIPPED = (Cell("cnn-large", "cross-attention"), Cell("vit", "cross-attention"), Cell("cnn-small", "vector", False))


def chosen_rate(pilots: Iterable[dict[str, Any]]) -> float:
    """The learning rate with the lowest loss at the end of its pilot. pilots: runs of one cell, as recorded."""
    return min(pilots, key=lambda run: run["loss"][-1])["learning_rate"]


def needs_longer(runs: Iterable[dict[str, Any]]) -> bool:
    """Whether some seed of a cell knows fewer attributes than the level: then the cell says nothing about relations."""
    return any(run["accuracy"][ATTRIBUTE] < LEVEL for run in runs)


def make_run(case: Case) -> Result:
    """One run, with its weights only where they are shipped."""
    result = run_case(case)
    ships = Cell(*case[:3]) in SHIPPED and case.seed == SEEDS[0] and case.recipe.steps >= RECIPE.steps
    return result if ships else result._replace(weights={})


class Recorder:
    """Makes the runs of cells, keeps them in a folder, and puts the record together when all are there."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.folder, self.workers = RunFolder(folder, making.__name__), workers

    def record(self, cells: Sequence[Cell] = CELLS, controls: dict[Cell, Cell] = CONTROLS) -> None:
        """Make every run that is not in the folder yet, cell by cell. Ctrl-C loses at most the runs at work."""
        for cell in (*cells, *controls):
            print(f"{cell.encoder} × {cell.connector}{'' if cell.positions else ', no positions'}", flush=True)
            pilots = controls.get(cell, cell).pilots()
            rate = chosen_rate(self.folder.make(make_run, pilots, self.workers))
            runs = self.folder.make(make_run, cell.seeds(rate), self.workers)
            if cell not in controls and needs_longer(runs):
                self.folder.make(make_run, cell.seeds(rate, LONGER), self.workers)

    def missing(self, cells: Sequence[Cell] = CELLS, controls: dict[Cell, Cell] = CONTROLS) -> list[Case]:
        """Which runs are not in the folder yet, as far as that is known: a rate that is not chosen yet counts as 2e-3,
        and no cell is known to need more steps before its seeds are there."""
        wanted: list[Case] = []
        for cell in (*cells, *controls):
            pilots = controls.get(cell, cell).pilots()
            wanted += [case for case in pilots if case not in wanted]
            rate = chosen_rate(self.folder.runs(pilots)) if self._all_there(pilots) else RECIPE.learning_rate
            wanted += cell.seeds(rate)
            if cell not in controls and self._all_there(cell.seeds(rate)):
                wanted += cell.seeds(rate, LONGER) if needs_longer(self.folder.runs(cell.seeds(rate))) else []
        return [case for case in wanted if self.folder.finished(case) is None]

    def _all_there(self, cases: Sequence[Case]) -> bool:
        return all(self.folder.finished(case) is not None for case in cases)


def record(folder: Path, workers: int = 1) -> None:
    """Make what is missing."""
    Recorder(folder, workers).record()
