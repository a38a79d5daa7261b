"""One run of data hunger: train one image encoder on a fixed set of pictures, and test it on new ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch

from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.matrix.models import build_vlm
from vlmteach.experiments.matrix.train import (
    BATCH,
    HELD_OUT,
    TESTED,
    AnswerLoss,
    family_means,
    right_answers,
)
from vlmteach.experiments.result import Result
from vlmteach.pictures.scenes.batches import SceneBatch, make_batch
from vlmteach.training import Recipe, fit, one_thread

CONNECTOR = "cross-attention"
WINDOW = 50  # steps that are graded together
FIRST = 20  # the step whose loss tells whether a run starts as the recorded one did


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
    model, graded = build_vlm(case.encoder, CONNECTOR, True, case.seed), AnswerLoss()
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
