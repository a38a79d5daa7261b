"""Record the cliff: every encoder with every seed, resumable run by run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlmteach.experiments.cliff import run as making
from vlmteach.experiments.cliff.encoders import CLIFF_ENCODERS, build_cliff_model
from vlmteach.experiments.cliff.field import exact_field
from vlmteach.experiments.cliff.results import CliffResults
from vlmteach.experiments.cliff.run import FIRST, WINDOW, Case, run_case
from vlmteach.experiments.cliff.train import (
    BATCH,
    CHANCE,
    PER_OFFSET,
    RECIPE,
    CliffLoss,
    cliff_batches,
)
from vlmteach.experiments.grading import LEVEL
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, versions, write_results
from vlmteach.experiments.restamp import Experiment
from vlmteach.experiments.runs import RunFolder
from vlmteach.training import Recipe, save_checkpoint

SEEDS = (0, 1, 2)
SHIPPED = ("cnn-1", "cnn-2", "cnn-3", "cnn-6", "cnn-2-strided", "vit-1", "vit-2", "cnn-1-attention")  # of seed 0


def case_of(run: dict[str, Any], record: dict[str, Any]) -> Case:
    """The case of a recorded run."""
    return Case(run["encoder"], run["seed"], Recipe(**record["recipe"]), record["batch"], record["per_offset"])


EXPERIMENT = Experiment(
    "cliff",
    making.__name__,
    case_of,
    run_case,
    begin=lambda case: (build_cliff_model(case.encoder, case.seed), cliff_batches(case.seed, case.batch), CliffLoss()),
    first=FIRST,
    kind=lambda run: run["encoder"],
    final=lambda run, record: CliffResults({**record, "runs": [run]}).accuracy_by_distance(run["encoder"])[0].tolist(),
    tolerance=0.01,
)


def all_cases() -> list[Case]:
    """Every encoder with every seed, by the one recipe."""
    return [Case(name, seed, RECIPE, BATCH, PER_OFFSET) for seed in SEEDS for name in CLIFF_ENCODERS]


class Recorder:
    """Keeps finished runs in a folder, and puts the record together when all are there."""

    def __init__(self, folder: Path) -> None:
        self.runs = RunFolder(folder, making.__name__)

    def assemble(self, cases: list[Case], results: Path = RESULTS, checkpoints: Path = CHECKPOINTS) -> CliffResults:
        """Write cliff.json and the shipped checkpoints from stored runs."""
        made = self.runs.runs(cases)
        shipped = {}
        for case in cases:
            if case.encoder in SHIPPED and case.seed == SEEDS[0]:
                file = f"cliff-{case.encoder}.safetensors"
                about = {"experiment": "cliff", "encoder": case.encoder, "recipe": asdict(case.recipe)}
                checkpoints.mkdir(parents=True, exist_ok=True)
                digest = save_checkpoint(checkpoints / file, self.runs.weights(case), about)
                shipped[case.encoder] = {"file": file, "sha256": digest}
        record = {
            "experiment": "cliff",
            "recipe": asdict(cases[0].recipe),
            "batch": cases[0].batch,
            "per_offset": cases[0].per_offset,
            "window": WINDOW,
            "level": LEVEL,
            "chance": CHANCE,
            "versions": versions(),
            "code": self.runs.code,
            "stamps": self.runs.stamps,
            "encoders": {name: _describe(name) for name in dict.fromkeys(case.encoder for case in cases)},
            "checkpoints": shipped,
            "runs": made,
        }
        write_results("cliff", record, results)
        return CliffResults(record)


def _describe(name: str) -> dict[str, Any]:
    model = build_cliff_model(name, seed=0)
    field = exact_field(model)
    return {
        "title": CLIFF_ENCODERS[name].title,
        "family": CLIFF_ENCODERS[name].family,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "field": None if field is None else list(field),
    }


def record(folder: Path, workers: int = 1) -> CliffResults:
    """Make every run that is not in the folder yet, then write the record. Ctrl-C loses at most the runs at work."""
    recorder, cases = Recorder(folder), all_cases()
    recorder.runs.make(run_case, cases, workers)
    return recorder.assemble(cases)
