"""Record data hunger: three encoders, one connector and language model, on fixed sets of pictures of several sizes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vlmteach.experiments.hunger.results import HungerResults
from vlmteach.experiments.matrix.models import ENCODERS, build_model
from vlmteach.experiments.matrix.record import CODE as MATRIX_CODE
from vlmteach.experiments.matrix.record import FIRST, WINDOW
from vlmteach.experiments.matrix.train import (
    BATCH,
    HELD_OUT,
    RECIPE,
    TEST_SEED,
    TESTED,
    GradedLoss,
    family_means,
    right_answers,
)
from vlmteach.experiments.recording import RESULTS, versions, write_results
from vlmteach.experiments.runs import Result, RunFolder
from vlmteach.pictures.batches import QUESTION_FAMILIES, SceneBatch, make_batch
from vlmteach.pictures.guessing import guess_rate
from vlmteach.training import Recipe, fit, one_thread

CONNECTOR = "cross-attention"
SIZES = (256, 1024, 4096, 16384)  # pictures in the set, with eight questions each
SHORT = replace(RECIPE, steps=600)  # as many steps for every size: a small set is seen more often
COMPARED = ("cnn-large", "conv-stem-vit", "vit")
CODE = (*MATRIX_CODE, "vlmteach.experiments.hunger.record")


class Case(NamedTuple):
    """One run to make; everything it depends on."""

    encoder: str
    pictures: int
    seed: int
    recipe: Recipe

    @property
    def name(self) -> str:
        """Short and unique in a record."""
        return f"{self.encoder}-{self.pictures}-{self.seed}"

    def as_json(self) -> dict[str, Any]:
        """The case as JSON values."""
        return {**self._asdict(), "recipe": asdict(self.recipe), "batch": BATCH, "tested": TESTED}


def fixed_pictures(seed: int, pictures: int) -> Callable[[int], SceneBatch]:
    """The pictures of each step, for fit: always the same set, in a new order each time it is gone through.

    pictures: how many; a multiple of the batch, since they are kept together in batches.
    """
    batches = pictures // BATCH
    if batches < 1 or batches * BATCH != pictures:
        raise ValueError(f"pictures is {pictures}; expected a multiple of the batch of {BATCH}.")

    def batch(step: int) -> SceneBatch:
        order = np.random.default_rng([seed, step // batches]).permutation(batches)
        return make_batch(BATCH, (seed, int(order[step % batches])), pairs=~HELD_OUT)

    return batch


def run_case(case: Case) -> Result:
    """Train on a fixed set and test on it and on new pictures. Raises KeyboardInterrupt when it was stopped."""
    begin = time.perf_counter()
    model, graded = build_model(case.encoder, CONNECTOR, True, case.seed), GradedLoss()
    pictures = fixed_pictures(case.seed, case.pictures)
    with one_thread():
        trained = fit(model, pictures, graded, case.recipe, progress=False)
        if trained.interrupted:
            raise KeyboardInterrupt
        new = make_batch(TESTED, TEST_SEED, pairs=~HELD_OUT)
        accuracy = family_means(right_answers(model, new), new.family)
    run = {
        "encoder": case.encoder,
        "pictures": case.pictures,
        "seed": case.seed,
        "learning_rate": case.recipe.learning_rate,
        "first_loss": trained.losses[FIRST - 1],
        "loss": [round(float(loss.mean()), 4) for loss in torch.tensor(trained.losses).split(WINDOW)],
        "known": graded.accuracy(WINDOW)[-1].round(4).tolist(),
        "accuracy": accuracy.round(4).tolist(),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    return Result(run, {})


def all_cases(rates: dict[str, float]) -> list[Case]:
    """Every encoder with every size of the set. rates: the learning rate of each encoder, as the matrix chose it."""
    return [
        Case(name, pictures, 0, replace(SHORT, learning_rate=rates[name])) for pictures in SIZES for name in COMPARED
    ]


def record(folder: Path, rates: dict[str, float], workers: int = 1, scheduler: str | None = None) -> HungerResults:
    """Make every run that is not in the folder yet, then write the record. Ctrl-C loses at most the runs at work."""
    runs = RunFolder(folder, CODE)
    made = runs.make(run_case, all_cases(rates), workers, scheduler)
    content = {
        "experiment": "hunger",
        "recipe": asdict(SHORT),
        "batch": BATCH,
        "tested": TESTED,
        "connector": CONNECTOR,
        "families": list(QUESTION_FAMILIES),
        "guessing": guess_rate(make_batch(SIZES[-1], TEST_SEED + 2, pairs=~HELD_OUT)),
        "versions": versions(),
        "code": runs.code,
        "encoders": {name: ENCODERS[name].title for name in COMPARED},
        "runs": [result.run for result in made],
    }
    write_results("hunger", content, RESULTS)
    return HungerResults(content)
