"""What a player can reach who sees a scene and not the question, and how far chance may lift a measured share."""

from __future__ import annotations

import numpy as np
import torch

from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, SceneBatch
from vlmteach.pictures.scenes.sampling import SHAPES, Scenes

FEW = 3  # standard deviations


def chance_above(rate: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The share that `rate` may reach by chance within three standard deviations.

    asked: questions of each family. A picture and its counterfactual are asked the same, so only half of them count.
    """
    return rate + FEW * np.sqrt(rate * (1 - rate) / (asked / 2))


def asked_of(batch: SceneBatch) -> np.ndarray:
    """How many questions of each family a batch has: (6,)."""
    return torch.bincount(batch.family.flatten(), minlength=len(QUESTION_FAMILIES)).numpy()


def seeing_rate(near: Scenes, far: Scenes) -> np.ndarray:
    """The Bayes rate of a player who sees the whole scene, knows the family and not the question: (6,).

    It gives the answer that most of the questions to such a scene have.
    """
    near_pattern, far_pattern = _pattern(near), _pattern(far)
    # near: two shapes, then a colour where a shape is alone; far: one of each
    attribute_near = np.choose(near_pattern, [1, 4 / 9, 2 / 9])
    attribute_far = np.choose(far_pattern, [1, 1 / 2, 1 / 6])
    count = np.choose(near_pattern, [9 / 10, 1 / 2, 3 / 4])  # Bayes: which shape was counted, given the shapes drawn
    # the third thing is asked for, in rows or in columns
    where_near = np.where(near.row[:, 2] == near.column[:, 2], 1, 1 / 2)
    number = np.concatenate([far.row, far.column], axis=1)
    where_far = np.array([np.bincount(each).max() for each in number]) / 6
    attribute = (3 * attribute_near.mean() + 2 * attribute_far.mean()) / 5
    where = (2 * where_near.mean() + 3 * where_far.mean()) / 5
    same = np.choose(far_pattern, [1, 3 / 5, 1]).mean()
    return np.array([attribute, count.mean(), where, 1 / 2, 1 / 2, same])


def _pattern(scenes: Scenes) -> np.ndarray:
    """0 where all three shapes are equal, 1 where two are, 2 where none: (B,)."""
    present = (scenes.shape[:, :, None] == np.arange(len(SHAPES))).any(axis=1)
    return present.sum(axis=1) - 1
