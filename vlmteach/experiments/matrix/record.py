"""Record the matrix: first a learning rate for each encoder, then every cell, the ones that carry a claim first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from vlmteach.experiments.curves import steps_to
from vlmteach.experiments.matrix.models import CONNECTORS, ENCODERS, build_model
from vlmteach.experiments.matrix.results import LEVEL, MatrixResults
from vlmteach.experiments.matrix.train import (
    BATCH,
    HELD_OUT,
    RECIPE,
    TEST_SEED,
    TESTED,
    GradedLoss,
    family_means,
    held_out_questions,
    right_answers,
    training_pictures,
)
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, versions, write_results
from vlmteach.experiments.runs import Result, RunFolder
from vlmteach.pictures.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.guessing import guess_rate, shuffle_questions
from vlmteach.training import Recipe, fit, one_thread, save_checkpoint

SEEDS = (0, 1, 2)
WINDOW = 50  # steps that are graded together
FIRST = 20  # the step whose loss a test trains to again
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
PILOT = replace(RECIPE, steps=600)  # 30 % of the length, to choose a learning rate for each encoder
PILOT_CONNECTOR = "cross-attention"
GUESSING = 65_536  # pictures from which the rate of guessing is counted
COMPARED = ("cnn-small", "cnn-large", "cnn-attention", "conv-stem-vit", "vit")
WAYS = ("prefix", "cross-attention", "resampler", "attention-pool", "vector")
# A control learns at the rate of the encoder it is compared with.
RATE_OF = {"cnn-small-zeros": "cnn-small", "vit-bag": "vit"}
SHIPPED = (("cnn-large", "cross-attention", True), ("vit", "cross-attention", True), ("cnn-small", "vector", False))
CODE = (
    "vlmteach.experiments.curves",
    "vlmteach.experiments.matrix.models",
    "vlmteach.experiments.matrix.train",
    *(f"vlmteach.nn.{name}" for name in ("attention", "conv_stem_vit", "convnet", "language", "positions", "tokens")),
    *(f"vlmteach.nn.{name}" for name in ("transformer", "vit", "vlm")),
    *(f"vlmteach.nn.connectors.{name}" for name in ("connect", "cross_attention", "layout", "prefix", "projector")),
    *(f"vlmteach.nn.connectors.{name}" for name in ("resampler", "vector")),
    *(f"vlmteach.pictures.{name}" for name in ("batches", "chance", "colours", "drawing", "questions", "scenes")),
    *(f"vlmteach.training.{name}" for name in ("loop", "progress", "recipe")),
)


class Case(NamedTuple):
    """One run to make; everything it depends on. positions: whether the connector adds each token's place."""

    encoder: str
    connector: str
    positions: bool
    seed: int
    recipe: Recipe

    @property
    def name(self) -> str:
        """Short and unique in a record."""
        place = "" if self.positions else "-bare"
        length, rate = self.recipe.steps, self.recipe.learning_rate
        return f"{self.encoder}-{self.connector}{place}-{length}-{rate:g}-{self.seed}"

    def as_json(self) -> dict[str, Any]:
        """The case as JSON values."""
        return {**self._asdict(), "recipe": asdict(self.recipe), "batch": BATCH, "tested": TESTED}


def run_case(case: Case) -> Result:
    """Train and test one cell. Raises KeyboardInterrupt when it was stopped: half a run is none."""
    begin = time.perf_counter()
    model, graded = build_model(case.encoder, case.connector, case.positions, case.seed), GradedLoss()
    with one_thread():
        trained = fit(model, training_pictures(case.seed), graded, case.recipe, progress=False)
        if trained.interrupted:
            raise KeyboardInterrupt
        tested = _test(model)
    accuracy = graded.accuracy(WINDOW)
    run = {
        "encoder": case.encoder,
        "connector": case.connector,
        "positions": case.positions,
        "seed": case.seed,
        "steps": case.recipe.steps,
        "learning_rate": case.recipe.learning_rate,
        "first_loss": trained.losses[FIRST - 1],
        "loss": [round(float(loss.mean()), 4) for loss in torch.tensor(trained.losses).split(WINDOW)],
        "learning": accuracy.round(4).tolist(),
        "steps_to_level": steps_to(LEVEL, accuracy, WINDOW),
        **tested,
        "seconds": round(time.perf_counter() - begin, 1),
    }
    return Result(run, {name: tensor.detach().clone() for name, tensor in model.state_dict().items()})


def _test(model: torch.nn.Module) -> dict[str, Any]:
    """Accuracy of each family on new scenes, on pairs never seen while learning, and with either side hidden."""
    batch = make_batch(TESTED, TEST_SEED, pairs=~HELD_OUT)
    other_pictures = batch._replace(pictures=batch.pictures.roll(TESTED // 3, dims=0))
    hidden = {"picture_blind": other_pictures, "question_blind": shuffle_questions(batch, TEST_SEED)}
    accuracy = {
        name: family_means(right_answers(model, asked), asked.family).round(4).tolist()
        for name, asked in {"accuracy": batch, **hidden}.items()
    }
    unseen = make_batch(TESTED, TEST_SEED + 1)
    right = right_answers(model, unseen)[held_out_questions(unseen)]
    return {**accuracy, "held_out": round(right.double().mean().item(), 4)}


def pilot_cases() -> list[Case]:
    """Every encoder at every rate, short."""
    return [
        Case(name, PILOT_CONNECTOR, True, SEEDS[0], replace(PILOT, learning_rate=rate))
        for name in COMPARED
        for rate in RATES
    ]


def chosen_rates(pilots: Sequence[dict[str, Any]]) -> dict[str, float]:
    """For each encoder the learning rate with the lowest loss at the end of its pilot. pilots: runs, as recorded."""
    best = {
        name: min((run for run in pilots if run["encoder"] == name), key=lambda run: run["loss"][-1])["learning_rate"]
        for name in COMPARED
    }
    return best | {control: best[name] for control, name in RATE_OF.items()}


def all_cases(rates: dict[str, float]) -> list[Case]:
    """The cells that carry a claim with three seeds, then the rest of the matrix with one."""

    def case(encoder: str, connector: str, positions: bool, seed: int) -> Case:
        return Case(encoder, connector, positions, seed, replace(RECIPE, learning_rate=rates[encoder]))

    claims = [
        ("cnn-small", "cross-attention", True),  # local, and yet global once attention follows
        ("cnn-large", "cross-attention", True),
        ("vit", "cross-attention", True),
        ("cnn-small", "prefix", True),  # no cross-attention needed, and none more for a CNN than for a ViT
        ("vit", "prefix", True),
        ("cnn-small", "vector", False),  # the theorem: a bag of windows
        ("vit-bag", "cross-attention", False),  # the theorem for a ViT: a bag of patches
        ("cnn-small-zeros", "vector", False),  # its leak: zero padding tells where the border is
    ]
    rest = [(encoder, connector, True) for connector in WAYS for encoder in COMPARED]
    first = [case(*claim, seed) for claim in claims for seed in SEEDS]
    return first + [case(*cell, SEEDS[0]) for cell in rest if cell not in claims]


def follow_ups(rates: dict[str, float]) -> list[Case]:
    """Asked after the matrix was there: what more steps, or another rate, would change in cells that learned less."""

    def case(encoder: str, connector: str, times: int, rate: float) -> Case:
        recipe = replace(RECIPE, steps=times * RECIPE.steps, learning_rate=rate * rates[encoder])
        return Case(encoder, connector, True, SEEDS[0], recipe)

    asked = [("cnn-attention", "resampler"), ("vit", "attention-pool"), ("cnn-large", "vector")]
    rest = [case(*cell, *change) for cell in asked for change in ((1, 1 / 3), (1, 3), (3, 1))]
    return [case("cnn-large", "prefix", 3, 1), *rest]


class Recorder:
    """Keeps finished runs in a folder and puts the record together when all are there."""

    def __init__(self, folder: Path) -> None:
        self.runs = RunFolder(folder, CODE)

    def assemble(
        self,
        pilots: list[Case],
        cases: list[Case],
        follow_ups: list[Case],
        results: Path = RESULTS,
        checkpoints: Path = CHECKPOINTS,
    ) -> MatrixResults:
        """Write matrix.json and the shipped checkpoints from stored runs."""
        shipped = {}
        made = self.runs.results(cases)
        for case, result in zip(cases, made, strict=True):
            key = (case.encoder, case.connector, case.positions)
            if key in SHIPPED and case.seed == SEEDS[0]:
                file = f"matrix-{case.encoder}-{case.connector}.safetensors"
                digest = save_checkpoint(checkpoints / file, result.weights, {"experiment": "matrix", **case.as_json()})
                shipped[f"{case.encoder}/{case.connector}"] = {
                    "file": file,
                    "sha256": digest,
                    "positions": case.positions,
                }
        record = {
            "experiment": "matrix",
            "recipe": asdict(RECIPE),
            "batch": BATCH,
            "tested": TESTED,
            "window": WINDOW,
            "level": LEVEL,
            "rates": list(RATES),
            "families": list(QUESTION_FAMILIES),
            "guessing": guess_rate(make_batch(GUESSING, TEST_SEED + 2, pairs=~HELD_OUT)),
            "versions": versions(),
            "code": self.runs.code,
            "encoders": {name: _describe(name) for name in ENCODERS},
            "connectors": {name: CONNECTORS[name].title for name in WAYS},
            "checkpoints": shipped,
            "pilots": [result.run for result in self.runs.results(pilots)],
            "runs": [result.run for result in made],
            "follow_ups": [result.run for result in self.runs.results(follow_ups)],
        }
        write_results("matrix", record, results)
        return MatrixResults(record)


def _describe(name: str) -> dict[str, Any]:
    model = ENCODERS[name].build()
    return {"title": ENCODERS[name].title, "parameters": sum(parameter.numel() for parameter in model.parameters())}


def record(folder: Path, workers: int = 1, scheduler: str | None = None) -> MatrixResults:
    """Make every run that is not in the folder yet, then write the record. Ctrl-C loses at most the runs at work."""
    recorder, pilots = Recorder(folder), pilot_cases()
    rates = chosen_rates([result.run for result in recorder.runs.make(run_case, pilots, workers, scheduler)])
    cases, more = all_cases(rates), follow_ups(rates)
    recorder.runs.make(run_case, cases + more, workers, scheduler)
    return recorder.assemble(pilots, cases, more)
