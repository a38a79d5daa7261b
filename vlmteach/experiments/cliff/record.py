"""Record the cliff: every encoder with every seed, resumable run by run."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

from vlmteach.experiments.cliff.encoders import ENCODERS, build_model
from vlmteach.experiments.cliff.field import exact_field
from vlmteach.experiments.cliff.results import CHANCE, LEVEL, CliffResults
from vlmteach.experiments.cliff.train import (
    BATCH,
    PER_OFFSET,
    RECIPE,
    GradedLoss,
    count_right,
    training_pictures,
)
from vlmteach.experiments.curves import steps_to
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, versions, write_results
from vlmteach.experiments.runs import Result, RunFolder
from vlmteach.training import Recipe, fit, one_thread, save_checkpoint

SEEDS = (0, 1, 2)
WINDOW = 20  # steps that are graded together: about 366 new pictures at each distance
FIRST = 20  # the step whose loss a test trains to again
SHIPPED = ("cnn-1", "cnn-2", "cnn-3", "cnn-6", "cnn-2-strided", "vit-1", "vit-2", "cnn-1-attention")  # of seed 0
# Everything that decides a number; what only draws or reads results is left out.
CODE = (
    "vlmteach.experiments.cliff.encoders",
    "vlmteach.experiments.cliff.train",
    "vlmteach.nn.attention",
    "vlmteach.nn.convnet",
    "vlmteach.nn.positions",
    "vlmteach.nn.tokens",
    "vlmteach.nn.transformer",
    "vlmteach.nn.vit",
    "vlmteach.pictures.cliff",
    "vlmteach.training.loop",
    "vlmteach.training.progress",
    "vlmteach.training.recipe",
)


class Case(NamedTuple):
    """One run to make; everything it depends on."""

    encoder: str
    seed: int
    recipe: Recipe
    batch: int
    per_offset: int

    @property
    def name(self) -> str:
        """Short and unique in a record."""
        return f"{self.encoder}-{self.seed}"

    def as_json(self) -> dict[str, Any]:
        """The case as JSON values."""
        return {**self._asdict(), "recipe": asdict(self.recipe)}


def run_case(case: Case) -> Result:
    """Train and test one encoder with one seed. Raises KeyboardInterrupt when it was stopped: half a run is none."""
    begin = time.perf_counter()
    model, graded = build_model(case.encoder, case.seed), GradedLoss()
    with one_thread():
        trained = fit(model, training_pictures(case.seed, case.batch), graded, case.recipe, progress=False)
        if trained.interrupted:
            raise KeyboardInterrupt
        right = count_right(model, case.per_offset)
    accuracy = graded.accuracy(WINDOW)
    losses = torch.tensor(trained.losses)
    run = {
        "encoder": case.encoder,
        "seed": case.seed,
        "first_loss": trained.losses[FIRST - 1],
        "loss": [round(float(loss.mean()), 4) for loss in losses.split(WINDOW)],
        "accuracy": accuracy.round(4).tolist(),
        "steps_to_level": steps_to(LEVEL, accuracy, WINDOW),
        "right": right.tolist(),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    return Result(run, {name: tensor.detach().clone() for name, tensor in model.state_dict().items()})


class Recorder:
    """Keeps finished runs in a folder, one checkpoint each, and puts the record together when all are there."""

    def __init__(self, folder: Path) -> None:
        self.runs = RunFolder(folder, CODE)

    def assemble(self, cases: list[Case], results: Path = RESULTS, checkpoints: Path = CHECKPOINTS) -> CliffResults:
        """Write cliff.json and the shipped checkpoints from stored runs."""
        made = self.runs.results(cases)
        checkpoints.mkdir(parents=True, exist_ok=True)
        shipped = {}
        for case, result in zip(cases, made, strict=True):
            if case.encoder in SHIPPED and case.seed == SEEDS[0]:
                file = f"cliff-{case.encoder}.safetensors"
                about = {"experiment": "cliff", "encoder": case.encoder, "recipe": asdict(case.recipe)}
                digest = save_checkpoint(checkpoints / file, result.weights, about)
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
            "encoders": {name: _describe(name) for name in dict.fromkeys(case.encoder for case in cases)},
            "checkpoints": shipped,
            "runs": [result.run for result in made],
        }
        write_results("cliff", record, results)
        return CliffResults(record)


def all_cases() -> list[Case]:
    """Every encoder with every seed, by the one recipe."""
    return [Case(name, seed, RECIPE, BATCH, PER_OFFSET) for seed in SEEDS for name in ENCODERS]


def _describe(name: str) -> dict[str, Any]:
    model = build_model(name, seed=0)
    field = exact_field(model)
    return {
        "title": ENCODERS[name].title,
        "family": ENCODERS[name].family,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "field": None if field is None else list(field),
    }


def record(folder: Path, workers: int = 1, scheduler: str | None = None) -> CliffResults:
    """Make every run that is not in the folder yet, then write the record. Ctrl-C loses at most the runs at work."""
    recorder, cases = Recorder(folder), all_cases()
    recorder.runs.make(run_case, cases, workers, scheduler)
    return recorder.assemble(cases)
