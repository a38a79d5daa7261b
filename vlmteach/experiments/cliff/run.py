"""One run of the cliff: train one encoder with one seed, and test it at every offset."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, NamedTuple

import torch

from vlmteach.experiments.cliff.encoders import build_cliff_model
from vlmteach.experiments.cliff.train import CliffLoss, cliff_batches, count_right
from vlmteach.experiments.grading import LEVEL, steps_to
from vlmteach.experiments.result import Result
from vlmteach.training import Recipe, fit, one_thread

WINDOW = 20  # steps that are graded together: about 366 new pictures at each distance
FIRST = 20  # the step whose loss tells whether a run starts as the recorded one did


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
    model, graded = build_cliff_model(case.encoder, case.seed), CliffLoss()
    with one_thread():
        trained = fit(model, cliff_batches(case.seed, case.batch), graded, case.recipe, progress=False)
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
