"""One run of the matrix: learn from pictures that never come twice, be graded on the way, be tested at the end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, SceneBatch, make_batch
from vlmteach.pictures.scenes.questions import VOCABULARY
from vlmteach.pictures.scenes.sampling import EVERY_PAIR, SHAPES
from vlmteach.training import Recipe

RECIPE = Recipe(steps=2000, learning_rate=2e-3, warmup=100, decay=0.4, weight_decay=0.01, clip=1.0, beta2=0.98)
BATCH = 64  # pictures a step, with eight questions each
TESTED = 2048  # pictures in the test

# Shapes and colours that never come together while learning: one pair for each shape.
HELD_OUT = ~EVERY_PAIR
HELD_OUT[[0, 1, 2, 3], [0, 1, 2, 3]] = True


def scene_batches(seed: int, count: int = BATCH) -> Callable[[int], SceneBatch]:
    """The pictures of each step, for fit; every step brings new ones."""
    return lambda step: make_batch(count, (seed, step), pairs=~HELD_OUT)


def answer_scores(model: nn.Module, batch: SceneBatch) -> Tensor:
    """The scores of the word behind each question mark: (B, Q, V)."""
    scores = model(batch.pictures, batch.words)
    end = (batch.words != 0).sum(dim=-1) - 1
    return scores.gather(2, end[..., None, None].expand(-1, -1, 1, scores.shape[-1])).squeeze(2)


class AnswerLoss:
    """Cross-entropy of the answers, for fit, that keeps a school report: right answers of each family, step by step.

    A picture is graded before it is learned from and never comes again, so the report is an honest test.
    """

    def __init__(self) -> None:
        self.report: list[NDArray[np.float64]] = []

    def __call__(self, model: nn.Module, batch: SceneBatch) -> Tensor:
        """The mean cross-entropy over all questions, a scalar."""
        scores = answer_scores(model, batch)
        right = scores.detach().argmax(dim=-1) == batch.answers
        self.report.append(family_means(right, batch.family))
        return F.cross_entropy(scores.flatten(0, 1), batch.answers.flatten())

    def accuracy(self, window: int) -> NDArray[np.float64]:
        """Accuracy of each family in each full window of steps: (steps // window, 6)."""
        windows = len(self.report) // window
        shape = (windows, window, len(QUESTION_FAMILIES))
        return np.array(self.report[: windows * window]).reshape(shape).mean(axis=1)


def family_means(right: Tensor, family: Tensor) -> NDArray[np.float64]:
    """The share of right answers in each family of questions: (6,)."""
    return np.array([right[family == number].double().mean().item() for number in range(len(QUESTION_FAMILIES))])


def right_answers(model: nn.Module, batch: SceneBatch, chunk: int = 256) -> Tensor:
    """Which answers a model gets right: (B, Q), bool, on the CPU."""
    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        parts = [
            answer_scores(model, SceneBatch(*(part[at : at + chunk].to(device) for part in batch))).argmax(dim=-1).cpu()
            for at in range(0, len(batch.pictures), chunk)
        ]
    return torch.cat(parts) == batch.answers


def held_out_questions(batch: SceneBatch) -> Tensor:
    """Which questions are about a shape and a colour that never came together while learning: (B, Q), bool.

    An attribute question and its answer name both.
    """
    first_shape, first_colour = VOCABULARY.index(SHAPES[0]), VOCABULARY.index(COLOURS[0])
    named = torch.cat([batch.words, batch.answers[..., None]], dim=-1)
    shape = torch.where((named >= first_shape) & (named < first_colour), named - first_shape, 0).amax(dim=-1)
    colours = (named >= first_colour) & (named < first_colour + len(COLOURS))
    colour = torch.where(colours, named - first_colour, 0).amax(dim=-1)
    return (batch.family == QUESTION_FAMILIES.index("attribute")) & torch.from_numpy(HELD_OUT)[shape, colour]
