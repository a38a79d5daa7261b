"""One run of the cliff: train one encoder with one seed, grade it on the way and test it at the end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmteach.experiments.grading import TEST_SEED
from vlmteach.pictures.cliff import LONGEST, CliffBatch, cliff_batch, cliff_pictures, every_offset
from vlmteach.pictures.look import COLOURS
from vlmteach.training import Recipe

RECIPE = Recipe(steps=600, learning_rate=2e-3, warmup=50, decay=0.4, weight_decay=0.01, clip=1.0)
# The same start, cut short: enough for a lesson to watch the cliff appear within seconds.
LIVE_RECIPE = Recipe(steps=240, learning_rate=2e-3, warmup=50, decay=0.4, weight_decay=0.01, clip=1.0)
BATCH = 128
PER_OFFSET = 672  # test pictures of each offset and seed: three seeds make 2,016
CHANCE = 1 / len(COLOURS)


def cliff_batches(seed: int, count: int = BATCH) -> Callable[[int], CliffBatch]:
    """The pictures of each step, for fit. Every step brings new ones, so nothing can be learned by heart."""
    return lambda step: cliff_batch(count, (seed, step))


class CliffLoss:
    """Cross-entropy, for fit, that keeps a school report: right or wrong for every picture, by distance.

    A picture is graded before it is learned from and never comes again, so the report is an honest test that costs
    nothing. (The model is in train mode then: BatchNorm uses the batch's own mean and deviation.)
    """

    def __init__(self) -> None:
        self._distance: list[Tensor] = []
        self._right: list[Tensor] = []

    def __call__(self, model: nn.Module, batch: CliffBatch) -> Tensor:
        """The mean cross-entropy of a batch, a scalar."""
        scores = model(batch.pictures, batch.marker_token)
        self._distance.append(batch.distance.cpu())
        self._right.append((scores.detach().argmax(dim=1) == batch.colour).cpu())
        return F.cross_entropy(scores, batch.colour)

    def accuracy(self, window: int) -> NDArray[np.float64]:
        """Accuracy at distance 1 … 7 in each full window of steps: (steps // window, 7); NaN where none was asked."""
        rows = []
        for start in range(0, len(self._right) - window + 1, window):
            distance = torch.cat(self._distance[start : start + window])
            right = torch.cat(self._right[start : start + window]).double()
            rows.append([float(right[distance == d].mean()) for d in range(1, LONGEST + 1)])
        return np.array(rows).reshape(-1, LONGEST)


def count_right(
    model: nn.Module, per_offset: int = PER_OFFSET, seed: int = TEST_SEED, chunk: int = 448
) -> NDArray[np.int64]:
    """How many of `per_offset` test pictures a model gets right at each offset: (15, 15), [dy + 7, dx + 7].

    The middle, offset (0, 0), does not exist and stays 0. The model is put into eval mode, without which BatchNorm
    would carry a trace of every cell to every other.
    """
    model.eval()
    device = next(model.parameters()).device
    right = np.zeros((2 * LONGEST + 1, 2 * LONGEST + 1), dtype=np.int64)
    offsets = every_offset(per_offset)
    with torch.inference_mode():
        for start in range(0, len(offsets), chunk):
            part = offsets[start : start + chunk]
            batch = cliff_pictures(part, (seed, start))
            scores = model(batch.pictures.to(device), batch.marker_token.to(device))
            hit = (scores.argmax(dim=1).cpu() == batch.colour).numpy()
            np.add.at(right, tuple((part + LONGEST).T), hit)
    return right
