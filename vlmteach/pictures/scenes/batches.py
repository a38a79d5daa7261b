"""Batches to learn from: random scenes of both kinds, drawn, with their questions and answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.pictures.chance import Integers, Seed
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.questions import (
    ABOVE,
    COUNT,
    LEFT,
    Questions,
    answers,
    far_questions,
    near_questions,
    question_words,
)
from vlmteach.pictures.scenes.sampling import CELLS, EVERY_PAIR, far_scenes, joined, near_scenes

QUESTION_FAMILIES = ("attribute", "count", "where", "near relation", "far relation", "same far")


class SceneBatch(NamedTuple):
    """Pictures with eight questions each.

    pictures: (B, 3, H, W), float32 in [0, 1]. words: (B, 8, 6) and answers: (B, 8), int64 numbers into VOCABULARY.
    family: (B, 8), int64 index into QUESTION_FAMILIES.
    """

    pictures: Tensor
    words: Tensor
    answers: Tensor
    family: Tensor


def make_batch(
    count: int,
    seed: Seed,
    *,
    cells: int = CELLS,
    distances: tuple[int, ...] = (1, 2),
    pairs: NDArray[np.bool_] = EVERY_PAIR,
) -> SceneBatch:
    """`count` pictures: near and far scenes in equal parts, each also with its counterfactual and the same questions.

    In the counterfactual two things have changed places: what each thing is stays, where it is does not.
    cells, distances, pairs: as in near_scenes. Raises ValueError unless count is a multiple of 4.
    """
    if count < 4 or count % 4:
        raise ValueError(
            f"count is {count}; expected a multiple of 4: near and far scenes, each with its swapped twin."
        )
    near, counted = near_scenes(count // 4, seed, cells=cells, distances=distances, pairs=pairs)
    far = far_scenes(count // 4, seed, cells=cells, pairs=pairs)
    asked = near_questions(near, counted, seed), far_questions(far, seed)
    scenes = joined(near, near.swapped(), far, far.swapped())
    questions = Questions(*(np.concatenate([a, a, b, b]) for a, b in zip(*asked, strict=True)))
    is_far = np.arange(count) >= count // 2
    numbers = question_words(questions, scenes), answers(questions, scenes), _families(questions, is_far)
    return SceneBatch(draw_scenes(scenes), *map(torch.from_numpy, numbers))


def _families(questions: Questions, far: NDArray[np.bool_]) -> Integers:
    """The family of each question (B, Q); a relation of near things is another family than one of far things."""
    template = questions.template
    attribute, counting, where, near_relation, far_relation, same_far = range(len(QUESTION_FAMILIES))
    relation = np.where(far[:, None], far_relation, near_relation)
    conditions = [template < COUNT, template == COUNT, template < LEFT, template <= ABOVE]
    return np.select(conditions, [attribute, counting, where, relation], default=same_far)
