"""The tiny VLM of lesson 08: eight questions packed behind one picture, against one question to a picture.

    python -m benchmarks vlm_training

Both learners see 512 questions a step, by the same recipe from the same weights, until 95 % of a window's attribute
questions are right: packed, 64 pictures a step; alone, 512. They learn in turn, a few steps each. More pictures teach
a little more a step, and cost an encoder's pass each. The bound we keep: alone at least twice as slow a question.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks._rows import Bound, Row
from vlmteach.experiments import LEVEL, steps_to
from vlmteach.experiments.matrix import LIVE_CELL, LIVE_RECIPE, build_vlm
from vlmteach.experiments.matrix.train import BATCH, AnswerLoss, scene_batches
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, SceneBatch
from vlmteach.pictures.scenes.questions import QUESTIONS
from vlmteach.training import fit, one_thread

SEED = 0
WINDOW = 10  # steps that a learner takes, and is graded over, before it is the other's turn
ATTRIBUTE = QUESTION_FAMILIES.index("attribute")
PACKED, ALONE = f"vlmteach, {QUESTIONS} questions packed", "one question a picture"
JOB = "tiny VLM of lesson 08"
BOUND = Bound(2, side="at least")


def one_question_each(step: int) -> SceneBatch:
    """As many questions as a packed batch, each to a picture of its own, one of its eight drawn at random."""
    batch = scene_batches(SEED, BATCH * QUESTIONS)(step)
    every = torch.arange(len(batch.pictures))
    drawn = torch.from_numpy(np.random.default_rng((SEED, step)).integers(QUESTIONS, size=len(every)))
    asked = (part[every, drawn][:, None] for part in (batch.words, batch.answers, batch.family))
    return SceneBatch(batch.pictures, *asked)


class Learner:
    """A model that learns a window of steps at a time and keeps its own report and clock."""

    def __init__(self, batch: Callable[[int], SceneBatch], checkpoint: Path) -> None:
        self.model = build_vlm(*LIVE_CELL, positions=True, seed=SEED)
        self.batch, self.checkpoint = batch, checkpoint
        self.loss = AnswerLoss()
        self.seconds: list[float] = []  # of each window

    @property
    def steps(self) -> int | None:
        """The steps taken when a window first reached the level; None when none did."""
        return steps_to(LEVEL, self.loss.accuracy(WINDOW), WINDOW)[ATTRIBUTE] if self.seconds else None

    @property
    def total(self) -> float | None:
        """The seconds until then."""
        return None if self.steps is None else sum(self.seconds)

    def learn(self) -> None:
        """One more window."""
        until = (len(self.seconds) + 1) * WINDOW
        trained = fit(
            self.model,
            self.batch,
            self.loss,
            LIVE_RECIPE,
            until=until,
            checkpoint=self.checkpoint,
            save_every=WINDOW,
            device="cpu",
            progress=False,
        )
        self.seconds.append(trained.seconds)


def train_in_turn(folder: Path) -> dict[str, Learner]:
    """Both learners, each until it has reached the level or the recipe's last step."""
    batches = {PACKED: scene_batches(SEED), ALONE: one_question_each}
    learners = {name: Learner(batch, folder / f"{number}.pt") for number, (name, batch) in enumerate(batches.items())}
    for _ in range(LIVE_RECIPE.steps // WINDOW):
        for learner in learners.values():
            if learner.steps is None:
                learner.learn()
    return learners


def run() -> list[Row]:
    """Train both; the packed learner has ratio 1."""
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        learners = train_in_turn(Path(folder))
    packed, alone = learners.values()
    slower = median(a / b for a, b in zip(alone.seconds, packed.seconds, strict=False))  # the windows both took
    questions = WINDOW * BATCH * QUESTIONS
    job = f"{JOB}: learning from a question"
    goal = f"until {LEVEL:.0%} of attribute questions are right"
    return [
        Row(job, PACKED, 1.0, 1000 * median(packed.seconds) / questions),
        Row(job, ALONE, slower, 1000 * median(alone.seconds) / questions, bound=BOUND),
        *_until(f"{JOB}: steps {goal}", "steps", {name: learner.steps for name, learner in learners.items()}),
        *_until(f"{JOB}: seconds {goal}", "s", {name: learner.total for name, learner in learners.items()}),
    ]


def _until(job: str, unit: str, values: Mapping[str, float | None]) -> list[Row]:
    """A row for each learner; one that never reached the level says so."""
    first = values[PACKED]
    return [
        Row(job, name, None, None, unit, f"not within {LIVE_RECIPE.steps} steps")
        if value is None
        else Row(job, name, None if first is None else value / first, value, unit)
        for name, value in values.items()
    ]
