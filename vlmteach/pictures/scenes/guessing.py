"""Two controls for every accuracy: what can be had without looking, and what without hearing the question."""

from __future__ import annotations

import numpy as np
import torch

from vlmteach.pictures.chance import Chance, Seed
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, SceneBatch
from vlmteach.pictures.scenes.questions import VOCABULARY


def guess_rate(batch: SceneBatch) -> dict[str, float]:
    """How often the best player is right who hears only the question: for each family of the batch, 0 to 1.

    This Bayes rate is that of giving, to each question string, its most common answer. What is most common is counted
    in the batch itself, which flatters the player: where two answers are equally likely and a string occurs n times,
    the rate is about 0.4 / sqrt(n) too high. So give it a large batch. Strings are counted within each family, which
    can only help the player.
    """
    strings, which = torch.unique(
        torch.cat([batch.family[:, :, None], batch.words], dim=2).flatten(0, 1), dim=0, return_inverse=True
    )
    cells = len(strings) * len(VOCABULARY)
    table = torch.bincount(which * len(VOCABULARY) + batch.answers.flatten(), minlength=cells)
    table = table.unflatten(0, (len(strings), len(VOCABULARY)))
    family, asked, right = strings[:, 0], table.sum(dim=1), table.amax(dim=1)
    return {
        QUESTION_FAMILIES[number]: right[family == number].sum().item() / asked[family == number].sum().item()
        for number in family.unique().tolist()
    }


def shuffle_questions(batch: SceneBatch, seed: Seed) -> SceneBatch:
    """The question-blind control: every picture is asked what another picture was asked, in the same family.

    Pictures, families and answers stay; only the words move. By chance some words are the same as before: there are
    only four counting questions, and a picture's counterfactual is asked the same as itself. Whoever sees the picture
    and not the question can do better than guess_rate, except in relations. Of "same far" three in four can be had:
    three different shapes mean no, three equal ones yes, and one pair is more often the one that is asked about.
    Raises ValueError for a batch in which most questions of a family belong to one picture.
    """
    count, questions = batch.family.shape
    rank = Chance(seed, stream=30).numbers(2**62, count)
    family, words = batch.family.flatten().numpy(), batch.words.flatten(0, 1).numpy()
    moved = words.copy()
    for number in np.unique(family):
        places = np.flatnonzero(family == number)
        picture = places // questions
        most = np.bincount(picture).max()
        if 2 * most > len(places):
            raise ValueError(
                f"one picture has {most} of the {len(places)} questions of the family {QUESTION_FAMILIES[number]!r}; "
                "expected at least two pictures with them. Take a larger batch."
            )
        # pictures in a random order, the questions of each together; `most` places on stands another picture
        places = places[np.argsort(rank[picture], kind="stable")]
        moved[places] = words[np.roll(places, most)]
    return batch._replace(words=torch.from_numpy(moved).unflatten(0, (count, questions)))
