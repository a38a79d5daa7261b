"""The floors that blind players are held against, counted on scenes that are asked again and again."""

import numpy as np
import pytest
from support.blind import asked_of, chance_above, seeing_rate

from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.scenes.questions import COUNT, LEFT, VOCABULARY, answers, far_questions, near_questions
from vlmteach.pictures.scenes.sampling import far_scenes, near_scenes

AGAIN = 300
ATTRIBUTE, COUNTING, WHERE, NEAR, FAR, SAME = range(len(QUESTION_FAMILIES))


def best_share(answer, scenes):
    """How often the commonest answer to each scene is right; answer: (scenes * AGAIN, questions)."""
    tables = answer.reshape(scenes, -1)
    return np.mean([np.bincount(table).max() / len(table) for table in tables])


def test_attributes_and_places_as_often_as_the_scene_alone_tells():
    near, counted = near_scenes(150, seed=1)
    far, again = far_scenes(150, seed=1), np.repeat(np.arange(150), AGAIN)
    asked = near_questions(near.take(again), counted[again], 2), far_questions(far.take(again), 2)
    near_answers, far_answers = (answers(q, s.take(again)) for q, s in zip(asked, (near, far), strict=True))
    attribute = (3 * best_share(near_answers[:, :3], 150) + 2 * best_share(far_answers[:, :2], 150)) / 5
    where = (2 * best_share(near_answers[:, 4:6], 150) + 3 * best_share(far_answers[:, 2:5], 150)) / 5

    assert (asked[0].template[:, :3] < COUNT).all()
    assert ((asked[1].template[:, 2:5] > COUNT) & (asked[1].template[:, 2:5] < LEFT)).all()
    assert seeing_rate(near, far)[[ATTRIBUTE, WHERE]] == pytest.approx([attribute, where], abs=0.01)


def test_counts_and_likeness_as_often_as_the_pattern_of_shapes_tells():
    near, counted = near_scenes(40_000, seed=3)
    far = far_scenes(40_000, seed=3)
    shares = []
    for scenes, answer in (
        (near, (near.shape == counted[:, None]).sum(axis=1)),
        (far, (far.shape[:, 0] == far.shape[:, 1]).astype(int)),
    ):
        pattern = np.array([len(set(shape)) for shape in scenes.shape.tolist()])
        shares.append(sum(np.bincount(answer[pattern == kind]).max() for kind in (1, 2, 3)) / 40_000)

    assert seeing_rate(near, far)[[COUNTING, SAME]] == pytest.approx(shares, abs=0.01)


def test_relations_half_of_the_time():
    batch, no = make_batch(40_000, seed=4), VOCABULARY.index("no")
    shares = [(batch.answers[batch.family == family] == no).double().mean().item() for family in (NEAR, FAR)]

    assert shares[0] == 0.5
    assert shares[1] == pytest.approx(0.5, abs=0.01)
    assert seeing_rate(near_scenes(9, 0)[0], far_scenes(9, 0))[[NEAR, FAR]].tolist() == [0.5, 0.5]


def test_three_standard_deviations_of_half_the_questions():
    assert chance_above(np.array([0.5]), np.array([200])) == pytest.approx([0.65])
    assert asked_of(make_batch(8, seed=0)).tolist() == [20, 4, 20, 8, 8, 4]
