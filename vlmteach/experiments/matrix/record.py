"""Record the matrix: for each cell a learning rate, then three seeds, and more steps where these were too few."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from vlmteach.experiments.grading import LEVEL, TEST_SEED
from vlmteach.experiments.matrix import run as making
from vlmteach.experiments.matrix.models import (
    MATRIX_CONNECTORS,
    MATRIX_ENCODERS,
    build_vlm,
)
from vlmteach.experiments.matrix.results import MatrixResults, Run
from vlmteach.experiments.matrix.run import FIRST, WINDOW, Case, run_case
from vlmteach.experiments.matrix.train import (
    BATCH,
    HELD_OUT,
    RECIPE,
    TESTED,
    AnswerLoss,
    scene_batches,
)
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, versions, write_results
from vlmteach.experiments.restamp import Experiment
from vlmteach.experiments.result import Result
from vlmteach.experiments.runs import RunFolder
from vlmteach.nn import CrossAttention, MultiHeadAttention
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.scenes.guessing import guess_rate
from vlmteach.training import Recipe

SEEDS = (0, 1, 2)
RATES = (5e-4, 1e-3, 2e-3, 4e-3)
PILOT = replace(RECIPE, steps=600)  # 30 % of the length, to choose a learning rate for each cell
LONGER = 2  # times as many steps for a cell in which a seed's attributes stay below the level
GUESSING = 65_536  # pictures from which the rate of guessing is counted
ATTRIBUTE = QUESTION_FAMILIES.index("attribute")
COMPARED = ("cnn-small", "cnn-large", "cnn-attention", "conv-stem-vit", "vit")
WAYS = ("prefix", "deep-prefix", "cross-attention", "resampler", "attention-pool", "vector")


class Cell(NamedTuple):
    """An image encoder and a connector; positions: whether the connector adds each token's place."""

    encoder: str
    connector: str
    positions: bool = True

    def __str__(self) -> str:
        return f"{self.encoder} × {self.connector}{'' if self.positions else ', no positions'}"

    @classmethod
    def of(cls, run: Run) -> Cell:
        """The cell of a recorded run."""
        return cls(run["encoder"], run["connector"], run["positions"])

    def pilots(self) -> list[Case]:
        """Short runs, one at every rate."""
        return [Case(*self, SEEDS[0], replace(PILOT, learning_rate=rate)) for rate in RATES]

    def seeds(self, rate: float, longer: int = 1) -> list[Case]:
        """One run for each seed. longer: how many times as many steps as the recipe has."""
        recipe = replace(RECIPE, learning_rate=rate, steps=longer * RECIPE.steps)
        return [Case(*self, seed, recipe) for seed in SEEDS]


# What stands in the record of a pilot.
PILOT_KEYS = (*Cell._fields, "seed", "steps", "learning_rate", "first_loss", "loss", "accuracy", "seconds")
_BY_WORTH = ("vit", "cnn-small", "cnn-large", "conv-stem-vit", "cnn-attention")
# In the order in which they are made: what the course's sentences need most comes first.
CELLS = (
    *(Cell(encoder, way) for encoder in _BY_WORTH for way in ("prefix", "deep-prefix")),
    *(
        Cell(encoder, way)
        for way in ("resampler", "vector", "cross-attention", "attention-pool")
        for encoder in _BY_WORTH
    ),
)
# The theorem and its leak. A control learns at the rate of the cell that it is compared with.
CONTROLS = {
    Cell("cnn-small", "vector", positions=False): Cell("cnn-small", "vector"),  # a bag of windows
    Cell("vit-bag", "cross-attention", positions=False): Cell("vit", "cross-attention"),  # a bag of patches
    Cell("cnn-small-zeros", "vector", positions=False): Cell("cnn-small", "vector"),  # zero padding tells the border
}
SHIPPED = (Cell("cnn-large", "cross-attention"), Cell("vit", "cross-attention"), Cell("cnn-small", "vector", False))


def chosen_rate(pilots: Iterable[Run]) -> float:
    """The learning rate with the lowest loss at the end of its pilot. pilots: runs of one cell, as recorded."""
    return min(pilots, key=lambda run: run["loss"][-1])["learning_rate"]


def needs_longer(runs: Iterable[Run]) -> bool:
    """Whether a seed of a cell knows fewer attributes than the level: then its guesses at relations say little."""
    return any(run["accuracy"][ATTRIBUTE] < LEVEL for run in runs)


def make_run(case: Case) -> Result:
    """One run, with its weights only where they are shipped."""
    result = run_case(case)
    ships = Cell(*case[:3]) in SHIPPED and case.seed == SEEDS[0] and case.recipe.steps >= RECIPE.steps
    return result if ships else result._replace(weights={})


def case_of(run: Run, record: dict[str, Any]) -> Case:
    """The case of a recorded run."""
    recipe = replace(Recipe(**record["recipe"]), steps=run["steps"], learning_rate=run["learning_rate"])
    return Case(*Cell.of(run), run["seed"], recipe)


EXPERIMENT = Experiment(
    "matrix",
    making.__name__,
    case_of,
    run_case,
    begin=lambda case: (build_vlm(*case[:4]), scene_batches(case.seed), AnswerLoss()),
    first=FIRST,
    kind=Cell.of,
    final=lambda run, record: run["accuracy"],
    tolerance=0.02,
)


class Recorder:
    """Makes the runs of cells, keeps them in a folder, and puts the record together when all are there.

    cells: those that are compared, in the order in which they are made. controls: each with the cell whose rate it has.
    """

    def __init__(
        self, folder: Path, cells: Sequence[Cell] = CELLS, controls: Mapping[Cell, Cell] = CONTROLS, workers: int = 1
    ) -> None:
        self.runs, self.workers = RunFolder(folder, making.__name__), workers
        self.cells, self.controls = cells, controls

    def make(self) -> None:
        """Make every run that is not in the folder yet, cell by cell. Ctrl-C loses at most the runs at work."""
        for cell in (*self.cells, *self.controls):
            there, wanted = self.progress()
            print(f"{there} of {wanted} runs are there; now {cell}", flush=True)
            for cases in self._stages(cell):
                self.runs.make(make_run, cases, self.workers)

    def progress(self) -> tuple[int, int]:
        """How many runs are there, and how many there will be, as far as is known: only finished cells tell of more."""
        there, wanted = set[str](), set[str]()
        for cell in (*self.cells, *self.controls):
            cases = self._planned(cell)
            wanted |= {case.name for case in cases}
            there |= {case.name for case in cases if self.runs.finished(case) is not None}
        return len(there), len(wanted)

    def assemble(self, results: Path = RESULTS, checkpoints: Path = CHECKPOINTS) -> MatrixResults:
        """Write matrix.json and the shipped checkpoints from stored runs.

        Raises ValueError that names the runs that are missing.
        """
        pilots: list[Run] = []
        runs: list[Run] = []
        shorter: list[Run] = []
        shipped = {}
        for cell in (*self.cells, *self.controls):
            stages = [(cases, self.runs.runs(cases)) for cases in self._stages(cell)]
            (_, piloted), *before, (cases, made) = stages
            pilots += piloted if cell not in self.controls else []
            shorter += [run for _, earlier in before for run in earlier]
            runs += made
            if cell in SHIPPED:
                shipped[f"{cell.encoder}/{cell.connector}"] = self._ship(cases[0], checkpoints)
        record = {
            "experiment": "matrix",
            "recipe": asdict(RECIPE),
            "batch": BATCH,
            "tested": TESTED,
            "window": WINDOW,
            "level": LEVEL,
            "rates": list(RATES),
            "pilot_steps": PILOT.steps,
            "families": list(QUESTION_FAMILIES),
            "guessing": guess_rate(make_batch(GUESSING, TEST_SEED + 2, pairs=~HELD_OUT)),
            "versions": versions(),
            "code": self.runs.code,
            "stamps": self.runs.stamps,
            "encoders": {name: _describe(name) for name in MATRIX_ENCODERS},
            "connectors": {name: MATRIX_CONNECTORS[name].title for name in WAYS},
            "connector_parameters": {name: connector_parameters(name) for name in WAYS},
            "attention_layers": {name: attention_layers(name) for name in WAYS},
            "checkpoints": shipped,
            "pilots": [{key: run[key] for key in PILOT_KEYS} for run in pilots],
            "runs": runs,
            "shorter": shorter,
        }
        write_results("matrix", record, results)
        return MatrixResults(record)

    def _stages(self, cell: Cell) -> Iterator[list[Case]]:
        """The runs of a cell, stage by stage; the next may be asked for when those of the last are there.

        Pilots (a control's are those of its cell), then seeds, then seeds with more steps where attributes lacked.
        """
        pilots = self.controls.get(cell, cell).pilots()
        yield pilots
        rate = chosen_rate(self.runs.runs(pilots))
        seeds = cell.seeds(rate)
        yield seeds
        if cell not in self.controls and needs_longer(self.runs.runs(seeds)):
            yield cell.seeds(rate, LONGER)

    def _planned(self, cell: Cell) -> list[Case]:
        """All runs of a cell, as far as is known: without its pilots nobody knows the rate, nor what needs longer."""
        known: list[list[Case]] = []
        for cases in self._stages(cell):
            known.append(cases)
            if any(self.runs.finished(case) is None for case in cases):
                break
        if len(known) == 1:  # its pilots: there will be seeds, at some rate
            known.append(cell.seeds(RECIPE.learning_rate))
        return [case for cases in known for case in cases]

    def _ship(self, case: Case, checkpoints: Path) -> dict[str, Any]:
        file = f"matrix-{case.encoder}-{case.connector}.safetensors"
        digest = self.runs.ship(case, checkpoints / file, "matrix")
        return {"file": file, "sha256": digest, "positions": case.positions}


def connector_parameters(connector: str) -> int:
    """How many parameters lie between an image encoder DIM wide and the language model's own blocks."""
    layer = MATRIX_CONNECTORS[connector].layer
    parts = [build_vlm("vit", connector, True, seed=0).connector, *([] if layer is None else [layer()])]
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def attention_layers(connector: str) -> int:
    """How many layers of attention lead from the image encoder's tokens to an answer."""
    model = build_vlm("vit", connector, True, seed=0)
    behind_the_encoder = (*model.connector.modules(), *model.language_model.modules())
    return sum(isinstance(module, (CrossAttention, MultiHeadAttention)) for module in behind_the_encoder)


def _describe(name: str) -> dict[str, Any]:
    model = MATRIX_ENCODERS[name].build()
    return {
        "title": MATRIX_ENCODERS[name].title,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


def record(folder: Path, workers: int = 1) -> MatrixResults:
    """Make every run that is not in the folder yet, then write the record. Ctrl-C loses at most the runs at work."""
    recorder = Recorder(folder, workers=workers)
    recorder.make()
    return recorder.assemble()
