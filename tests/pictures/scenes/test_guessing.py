import re

import numpy as np
import pytest
import torch
from support.scenes import sentence

from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, SceneBatch, make_batch
from vlmteach.pictures.scenes.guessing import guess_rate, shuffle_questions
from vlmteach.pictures.scenes.sampling import far_scenes

BATCH = make_batch(4000, seed=1)


def made_up(words, answers, family):
    """A batch of the same question structure without pictures: one question to a picture."""
    words, answers, family = (torch.as_tensor(part) for part in (words, answers, family))
    return SceneBatch(torch.zeros(len(words), 3, 1, 1), words[:, None], answers[:, None], family[:, None])


def questions_of(batch, family):
    """The question strings of a family, sorted."""
    return sorted(sentence(words) for words in batch.words[batch.family == family].tolist())


def test_the_most_common_answer_to_each_string_is_counted():
    words = [[1, 2, 0]] * 4 + [[1, 3, 0]] * 3 + [[5, 5, 5]] * 2
    answers = [7, 7, 7, 8, 8, 8, 7, 1, 2]

    assert guess_rate(made_up(words, answers, [0] * 7 + [5] * 2)) == {"attribute": 5 / 7, "same far": 1 / 2}


def test_the_same_string_counts_apart_in_each_family():
    batch = made_up([[1]] * 4, [7, 7, 8, 8], [3, 3, 4, 4])

    assert guess_rate(batch) == {"near relation": 1.0, "far relation": 1.0}


@pytest.mark.parametrize(
    ("family", "exact"),
    [("count", 1 / 4), ("where", 1 / 6), ("near relation", 1 / 2), ("far relation", 1 / 2), ("same far", 1 / 2)],
)
def test_nobody_guesses_better_than_evenly(family, exact):
    assert exact <= guess_rate(BATCH)[family] < exact + 0.1


def test_near_relations_are_balanced_exactly():
    assert guess_rate(make_batch(40, seed=2))["near relation"] == 0.5


def test_the_rate_is_too_high_by_what_is_said():
    times, strings = 400, 500
    answers = np.random.default_rng(0).integers(2, size=times * strings)
    rate = guess_rate(made_up(np.repeat(np.arange(strings), times)[:, None], answers, np.zeros_like(answers)))

    assert abs(rate["attribute"] - 0.5 - 0.4 / times**0.5) < 0.003


def test_shuffled_questions_come_from_another_picture_of_the_family():
    # every question gets words of its own: its picture and its family
    picture = torch.arange(4000)[:, None].expand(-1, 8)
    marked = BATCH._replace(words=torch.stack([picture, BATCH.family], dim=2))
    shuffled = shuffle_questions(marked, seed=3).words

    assert torch.equal(shuffled[:, :, 1], BATCH.family)
    assert (shuffled[:, :, 0] != picture).all()


@pytest.mark.parametrize("count", [4, 8, 400])
def test_shuffling_keeps_everything_but_the_order_of_the_words(count):
    batch = make_batch(count, seed=1)
    shuffled = shuffle_questions(batch, seed=3)

    assert torch.equal(shuffled.pictures, batch.pictures)
    assert torch.equal(shuffled.answers, batch.answers)
    assert torch.equal(shuffled.family, batch.family)
    for family in range(len(QUESTION_FAMILIES)):
        assert questions_of(shuffled, family) == questions_of(batch, family)
    assert not torch.equal(shuffled.words, batch.words)


def test_a_seed_shuffles_the_same_and_another_one_otherwise():
    assert torch.equal(shuffle_questions(BATCH, 3).words, shuffle_questions(BATCH, 3).words)
    assert not torch.equal(shuffle_questions(BATCH, 3).words, shuffle_questions(BATCH, 4).words)


def test_shuffling_leaves_the_given_batch_alone():
    before = BATCH.words.clone()
    shuffle_questions(BATCH, seed=3)

    assert torch.equal(BATCH.words, before)


def test_a_shuffled_question_is_the_same_as_before_only_by_chance():
    same = (shuffle_questions(BATCH, seed=6).words == BATCH.words).all(dim=2)
    for family, chance in (("count", 1 / 4), ("same far", 1 / 30)):
        asked = same[BATCH.family == QUESTION_FAMILIES.index(family)].double()
        # a picture and its counterfactual are asked the same, so only half of the questions are independent
        assert abs(asked.mean() - chance) < 5 * (2 * chance / len(asked)) ** 0.5


def test_same_far_can_be_had_from_the_picture_alone_three_times_in_four():
    scenes = far_scenes(40_000, seed=1)
    same = scenes.shape[:, 0] == scenes.shape[:, 1]
    shapes = [len(set(shape)) for shape in scenes.shape.tolist()]
    right = sum(max((same & kind).sum(), (~same & kind).sum()) for kind in (np.equal(shapes, n) for n in (1, 2, 3)))

    assert abs(right / 40_000 - 0.75) < 5 * (0.75 * 0.25 / 40_000) ** 0.5


def test_a_batch_with_one_picture_for_a_family_is_refused():
    batch = make_batch(4, seed=0)
    half = SceneBatch(*(part[1:3] for part in batch))

    with pytest.raises(ValueError, match=re.escape("one picture has 3 of the 5 questions of the family 'attribute'")):
        shuffle_questions(half, seed=0)
