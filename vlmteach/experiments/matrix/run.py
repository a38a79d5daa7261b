"""One run of the matrix: train one cell with one seed by one recipe, and test it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from torch import nn

from vlmteach.experiments.grading import LEVEL, TEST_SEED, steps_to
from vlmteach.experiments.matrix.models import build_vlm
from vlmteach.experiments.matrix.train import (
    BATCH,
    HELD_OUT,
    TESTED,
    AnswerLoss,
    family_means,
    held_out_questions,
    right_answers,
    scene_batches,
)
from vlmteach.experiments.result import Result
from vlmteach.pictures.scenes.batches import make_batch
from vlmteach.pictures.scenes.guessing import shuffle_questions
from vlmteach.training import Recipe, fit, one_thread

WINDOW = 50  # steps that are graded together
FIRST = 20  # the step whose loss a test trains to again


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
    model, graded = build_vlm(case.encoder, case.connector, case.positions, case.seed), AnswerLoss()
    with one_thread():
        trained = fit(model, scene_batches(case.seed), graded, case.recipe, progress=False)
        if trained.interrupted:
            raise KeyboardInterrupt
        tested = test(model)
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


def test(model: nn.Module) -> dict[str, Any]:
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
