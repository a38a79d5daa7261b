"""One run behind a frozen encoder: train connector and language model on a fixed set of scenes, test on new ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmteach.experiments.frozen.features import BATCH, Features, joined
from vlmteach.experiments.frozen.models import build_behind
from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.matrix.train import AnswerLoss, answer_scores, family_means, right_answers
from vlmteach.experiments.result import Result
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, SceneBatch
from vlmteach.pictures.scenes.guessing import shuffle_questions
from vlmteach.training import Recipe, fit, one_thread

RECIPE = Recipe(steps=700, learning_rate=2e-3, warmup=50, decay=0.4, weight_decay=0.01, clip=1.0, beta2=0.98)
TRAIN_SEED = 0
VALIDATION_SEED = TEST_SEED + 3
VALIDATED = 4  # batches from which a learning rate is chosen
TESTED = 16  # batches in the test
WINDOW = 50  # steps whose loss is averaged
FIRST = 5  # the step whose loss tells whether a run starts as the recorded one did: each needs a batch's tokens


class Case(NamedTuple):
    """One run to make; everything it depends on. batches: in the set it learns from, the same for every seed."""

    encoder: str
    connector: str
    seed: int
    batches: int
    recipe: Recipe

    @property
    def name(self) -> str:
        """Short and unique in a record."""
        length, rate = self.recipe.steps, self.recipe.learning_rate
        return f"{self.encoder}-{self.connector}-{self.batches * BATCH}-{length}-{rate:g}-{self.seed}"

    def as_json(self) -> dict[str, Any]:
        """The case as JSON values."""
        sizes = {"batch": BATCH, "validated": VALIDATED * BATCH, "tested": TESTED * BATCH}
        return {**self._asdict(), "recipe": asdict(self.recipe), **sizes}


def shuffled(seed: int, batches: int, batch: Callable[[int], SceneBatch]) -> Callable[[int], SceneBatch]:
    """The batch of each step, for fit: all of a set, in a new order each time it is gone through.

    batches: how many the set has. batch: the one of a number.
    """

    def of_step(step: int) -> SceneBatch:
        order = np.random.default_rng([seed, step // batches]).permutation(batches)
        return batch(int(order[step % batches]))

    return of_step


def run_case(case: Case, features: Features) -> Result:
    """Train behind a frozen encoder and test. features: of that encoder. Raises KeyboardInterrupt if stopped."""
    begin = time.perf_counter()
    seen = features.batches(TRAIN_SEED, case.batches)
    model, graded = build_behind(case.encoder, case.connector, case.seed), AnswerLoss()
    with one_thread():
        trained = fit(
            model,
            shuffled(case.seed, case.batches, seen.__getitem__),
            graded,
            case.recipe,
            progress=False,
            device="cpu",
        )
        if trained.interrupted:
            raise KeyboardInterrupt
        run = {
            "encoder": case.encoder,
            "connector": case.connector,
            "seed": case.seed,
            "pictures": case.batches * BATCH,
            "steps": case.recipe.steps,
            "learning_rate": case.recipe.learning_rate,
            "first_loss": trained.losses[FIRST - 1],
            "loss": [round(float(loss.mean()), 4) for loss in torch.tensor(trained.losses).split(WINDOW)],
            "known": graded.accuracy(WINDOW)[-1].round(4).tolist(),
            "validation_loss": round(mean_loss(model, joined(features.batches(VALIDATION_SEED, VALIDATED))), 4),
            **test(model, joined(features.batches(TEST_SEED, TESTED))),
        }
    run["seconds"] = round(time.perf_counter() - begin, 1)
    return Result(run, {name: tensor.detach().clone() for name, tensor in model.state_dict().items()})


def mean_loss(model: nn.Module, batch: SceneBatch) -> float:
    """The mean cross-entropy of a model's answers, nothing learned."""
    model.eval()
    with torch.inference_mode():
        return F.cross_entropy(answer_scores(model, batch).flatten(0, 1), batch.answers.flatten()).item()


def test(model: nn.Module, batch: SceneBatch) -> dict[str, Any]:
    """Accuracy of each family on new scenes, with its standard error, and with either side hidden: (6,) each.

    Picture-blind: each question is asked of another scene. Question-blind: it is swapped within its family.
    """
    other_pictures = batch._replace(pictures=batch.pictures.roll(len(batch.pictures) // 3, dims=0))
    hidden = {"picture_blind": other_pictures, "question_blind": shuffle_questions(batch, TEST_SEED)}
    right = right_answers(model, batch)
    return {
        "accuracy": family_means(right, batch.family).round(4).tolist(),
        "standard_error": standard_errors(right, batch.family).round(4).tolist(),
        **{
            name: family_means(right_answers(model, asked), asked.family).round(4).tolist()
            for name, asked in hidden.items()
        },
    }


def standard_errors(right: Tensor, family: Tensor) -> NDArray[np.float64]:
    """The standard error of each family's accuracy, (6,), from right answers (B, Q), bool.

    The answers about a scene and its twin are not independent: each such pair of pictures counts as one draw
    (the sandwich estimate for a ratio). B: whole batches of make_batch, in which twins lie a quarter apart.
    """
    errors = []
    for number in range(len(QUESTION_FAMILIES)):
        asked = (family == number).double()
        off = (right.double() - (right * asked).sum() / asked.sum()) * asked
        of_pairs = off.sum(dim=1).unflatten(0, (-1, 2, 2, BATCH // 4)).sum(dim=2)
        errors.append((of_pairs.square().sum().sqrt() / asked.sum()).item())
    return np.array(errors)
