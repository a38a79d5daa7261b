"""One run of a game: a picture, a marked cell, and a colour to name that stands some way off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmteach.experiments.cliff.train import CliffLoss
from vlmteach.experiments.grading import LEVEL, steps_to
from vlmteach.experiments.result import Result
from vlmteach.pictures.cliff import CliffBatch
from vlmteach.training import Recipe, fit, one_thread

WINDOW = 20  # steps that are graded together
FIRST = 20  # the step whose loss tells whether a run starts as the recorded one did


class Case(NamedTuple):
    """One run to make; everything it depends on. tested: whether it is tested at the end; a pilot is not."""

    encoder: str
    seed: int
    recipe: Recipe
    batch: int
    tested: bool = True

    @property
    def name(self) -> str:
        """Short and unique in a record."""
        return f"{self.encoder}-{self.recipe.steps}-{self.recipe.learning_rate:g}-{self.seed}"

    def as_json(self) -> dict[str, Any]:
        """The case as JSON values."""
        return {**self._asdict(), "recipe": asdict(self.recipe)}


@dataclass(frozen=True)
class Game:
    """What is played, and how it is tested.

    build: (name, seed) -> a model that takes pictures and the marked cell's place and gives scores (B, 6).
    draw: (count, seed) -> pictures to learn from. tests: the test pictures, the same for every run.
    kind: of which kind each test picture is, (B,) whole numbers below `kinds`; they are counted kind by kind.
    """

    build: Callable[[str, int], nn.Module]
    draw: Callable[[int, tuple[int, int]], CliffBatch]
    tests: Callable[[], Iterator[CliffBatch]]
    kind: Callable[[CliffBatch], Tensor]
    kinds: int

    def start(self, case: Case) -> tuple[nn.Module, Callable[[int], CliffBatch], CliffLoss]:
        """(model, batch, loss) of a case, for fit. Every step brings new pictures."""
        return self.build(case.encoder, case.seed), lambda step: self.draw(case.batch, (case.seed, step)), CliffLoss()

    def asked(self) -> NDArray[np.int64]:
        """How many test pictures there are of each kind: (kinds,)."""
        return sum((self._count(self.kind(batch)) for batch in self.tests()), self._count(torch.tensor([])))

    def right(self, model: nn.Module) -> NDArray[np.int64]:
        """How many of them a model answers, by kind: (kinds,). It is put into eval mode: no picture hears of others."""
        model.eval()
        right = self._count(torch.tensor([]))
        with torch.inference_mode():
            for batch in self.tests():
                hit = model(batch.pictures, batch.marker_token).argmax(dim=1) == batch.colour
                right += self._count(self.kind(batch)[hit])
        return right

    def _count(self, kinds: Tensor) -> NDArray[np.int64]:
        return np.bincount(kinds.numpy().astype(np.int64), minlength=self.kinds)


def play(game: Game, case: Case) -> Result:
    """Train, grade on the way, and test one case. Raises KeyboardInterrupt when it was stopped: half a run is none."""
    begin = time.perf_counter()
    model, batch, graded = game.start(case)
    with one_thread():
        trained = fit(model, batch, graded, case.recipe, progress=False, device="cpu")
        if trained.interrupted:
            raise KeyboardInterrupt
        tested = {"right": game.right(model).tolist()} if case.tested else {}
    accuracy = graded.accuracy(WINDOW)
    run = {
        "encoder": case.encoder,
        "seed": case.seed,
        "steps": case.recipe.steps,
        "learning_rate": case.recipe.learning_rate,
        "first_loss": trained.losses[FIRST - 1],
        "loss": [round(float(loss.mean()), 4) for loss in torch.tensor(trained.losses).split(WINDOW)],
        "accuracy": accuracy.round(4).tolist(),
        "steps_to_level": steps_to(LEVEL, accuracy, WINDOW),
        **tested,
        "seconds": round(time.perf_counter() - begin, 1),
    }
    return Result(run, {})
