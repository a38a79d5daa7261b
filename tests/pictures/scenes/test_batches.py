import hashlib
import re

import pytest
import torch
from support.scenes import cells_of, sentence

from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.scenes.questions import VOCABULARY
from vlmteach.pictures.scenes.sampling import EVERY_PAIR

# Made once on x86-64; the generator promises the same stream on every machine and version.
BYTES = "f32db28246e80dce3b8b5818c9884cc1c6b2ca3a4335d4474a089bd8c5a46f15"
FAMILY_OF = {
    "what": "attribute",
    "how": "count",
    "which": "where",
    "left": "relation",
    "above": "relation",
    "shaped": "same",
}


def digest(batch):
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in batch)).hexdigest()


def test_a_seed_gives_the_same_bytes_on_every_machine():
    assert digest(make_batch(16, seed=(3, 14))) == BYTES


@pytest.mark.parametrize("other", [(4,), (3, 0), (0, 3), (3, 1)])
def test_another_seed_gives_another_batch(other):
    assert digest(make_batch(8, seed=3)) != digest(make_batch(8, seed=other))


@pytest.mark.parametrize("cells", [6, 8])
def test_a_batch_is_ready_for_a_model(cells):
    batch = make_batch(8, seed=0, cells=cells)

    assert batch.pictures.shape == (8, 3, 8 * cells, 8 * cells)
    assert batch.words.shape == (8, 8, 6)
    assert batch.answers.shape == batch.family.shape == (8, 8)
    assert {part.dtype for part in batch[1:]} == {torch.int64}


def test_each_question_is_of_the_family_that_its_words_say():
    batch = make_batch(64, seed=1)
    for index in range(64):
        far = index >= 32
        for words, family in zip(batch.words[index].tolist(), batch.family[index].tolist(), strict=True):
            question = sentence(words).split()
            kind = FAMILY_OF.get(question[0]) or FAMILY_OF[question[2]]
            expected = {"relation": "far relation" if far else "near relation", "same": "same far"}.get(kind, kind)
            assert QUESTION_FAMILIES[family] == expected


def test_every_family_is_asked():
    assert make_batch(4, seed=0).family.unique().tolist() == list(range(len(QUESTION_FAMILIES)))


def test_each_picture_comes_with_its_counterfactual_and_the_same_questions():
    batch = make_batch(64, seed=2)
    for first in (slice(0, 16), slice(32, 48)):
        twin = slice(first.stop, first.stop + 16)
        cells, swapped = cells_of(batch.pictures[first], 6), cells_of(batch.pictures[twin], 6)

        assert torch.equal(batch.words[first], batch.words[twin])
        assert torch.equal(batch.family[first], batch.family[twin])
        assert (cells != swapped).any(axis=(1, 2, 3, 4, 5)).all()
        for one, other in zip(cells, swapped, strict=True):
            assert sorted(c.tobytes() for c in one.reshape(36, 192)) == sorted(
                c.tobytes() for c in other.reshape(36, 192)
            )


def test_relations_are_answered_the_other_way_round_by_the_counterfactual():
    batch = make_batch(400, seed=3)
    near, twin = batch.answers[:100], batch.answers[100:200]
    relation = batch.family[:100] == QUESTION_FAMILIES.index("near relation")

    assert (near[relation] != twin[relation]).all()
    assert set(near[relation].tolist()) == {VOCABULARY.index("no"), VOCABULARY.index("yes")}
    # the first relation of a far scene is about the two that change places, the second about one of them
    assert (batch.answers[200:300, 5] != batch.answers[300:, 5]).all()


def test_held_out_pairs_and_distances_stay_out():
    pairs = EVERY_PAIR.copy()
    pairs[0, 0] = False  # no red circle
    batch = make_batch(400, seed=4, pairs=pairs, distances=(1,))
    right = {
        (sentence(words), VOCABULARY[answer])
        for words, answer in zip(batch.words.flatten(0, 1).tolist(), batch.answers.flatten().tolist(), strict=True)
    }

    assert ("what shape is red ?", "square") in right
    assert ("what shape is red ?", "circle") not in right
    assert ("what colour is circle ?", "red") not in right
    assert digest(batch) != digest(make_batch(400, seed=4, pairs=pairs))


@pytest.mark.parametrize(
    ("arguments", "sentence_"),
    [
        ({"count": 0}, "count is 0; expected a multiple of 4"),
        ({"count": 6}, "count is 6; expected a multiple of 4"),
        ({"cells": 5}, "cells is 5"),
        ({"distances": (3,)}, "distances is (3,)"),
        ({"pairs": ~EVERY_PAIR}, "pairs leaves a shape only 0 colours"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, sentence_):
    with pytest.raises(ValueError, match=re.escape(sentence_)):
        make_batch(**({"count": 4, "seed": 0} | arguments))
