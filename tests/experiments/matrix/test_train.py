import math

import numpy as np
import pytest
import torch
from support.scenes import sentence
from torch import nn
from torch.nn import functional as F

from vlmteach.experiments import TEST_SEED
from vlmteach.experiments.matrix.train import (
    HELD_OUT,
    AnswerLoss,
    answer_scores,
    family_means,
    held_out_questions,
    right_answers,
    scene_batches,
)
from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.scenes.questions import VOCABULARY
from vlmteach.pictures.scenes.sampling import SHAPES

BATCH = make_batch(64, seed=1)


class Oracle(nn.Module):
    """Says the right word behind the question mark where `knows` is true, else another; at other words, nonsense."""

    def __init__(self, batch, knows=lambda batch: batch.family >= 0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.batch, self.knows, self.was_training = batch, knows, []

    def forward(self, pictures, words):
        self.was_training.append(self.training)
        rows = [next(i for i, one in enumerate(self.batch.pictures) if torch.equal(one, each)) for each in pictures]
        answers = torch.where(self.knows(self.batch), self.batch.answers, 0)[rows]
        at_mark = words == VOCABULARY.index("?")
        said = torch.where(at_mark, answers[..., None], 1)
        return self.scale * F.one_hot(said, len(VOCABULARY)).float()


def knows_attributes(batch):
    return batch.family == QUESTION_FAMILIES.index("attribute")


def named_pair(words, answer):
    """The shape and the colour that an attribute question and its answer name, None for another question."""
    named = {*sentence(words).split(), VOCABULARY[answer]}
    if "what" not in named:
        return None
    (shape,) = (word for word in SHAPES if word in named)
    (colour,) = (word for word in COLOURS if word in named)
    return SHAPES.index(shape), COLOURS.index(colour)


def pairs_of(batch):
    return [
        [named_pair(words, answer) for words, answer in zip(*picture, strict=True)]
        for picture in zip(batch.words.tolist(), batch.answers.tolist(), strict=True)
    ]


def test_one_pair_of_each_shape_is_held_out():
    assert HELD_OUT.sum(axis=1).tolist() == [1] * len(SHAPES)
    assert HELD_OUT.sum(axis=0).max() == 1


def test_held_out_pairs_never_come_while_learning_and_all_others_do():
    batch = scene_batches(seed=0, count=1200)(0)
    seen = {pair for pairs in pairs_of(batch) for pair in pairs if pair is not None}

    assert seen == set(map(tuple, np.argwhere(~HELD_OUT).tolist()))


def test_the_pictures_of_a_step_depend_on_seed_and_step_alone():
    batch = scene_batches(seed=3, count=4)

    assert torch.equal(batch(5).pictures, scene_batches(seed=3, count=4)(5).pictures)
    assert not torch.equal(batch(5).pictures, batch(6).pictures)
    assert not torch.equal(batch(5).pictures, scene_batches(seed=4, count=4)(5).pictures)


def test_the_test_is_drawn_from_another_stream_than_every_step():
    test = make_batch(4, TEST_SEED, pairs=~HELD_OUT).pictures

    assert not torch.equal(test, scene_batches(TEST_SEED, 4)(0).pictures)


def test_questions_about_held_out_pairs_are_found_as_one_would_by_reading():
    expected = [[pair is not None and bool(HELD_OUT[pair]) for pair in pairs] for pairs in pairs_of(BATCH)]

    assert held_out_questions(BATCH).tolist() == expected
    assert 0.02 < np.mean(expected) < 0.2


def test_the_answer_is_read_at_the_question_mark():
    def where(pictures, words):
        return torch.arange(words.shape[-1]).expand(words.shape)[..., None].expand(-1, -1, -1, 5)

    place = answer_scores(where, BATCH)

    assert place.shape == (64, 8, 5)
    for picture, questions in enumerate(BATCH.words.tolist()):
        for question, words in enumerate(questions):
            assert place[picture, question].unique().tolist() == [words.index(VOCABULARY.index("?"))]
    assert place.unique().tolist() == [3, 4, 5]


def test_the_loss_is_the_cross_entropy_of_the_answers():
    loss = AnswerLoss()(Oracle(BATCH), BATCH)

    assert loss.item() == pytest.approx(math.log(1 + (len(VOCABULARY) - 1) / math.e))
    assert loss.requires_grad


def test_the_report_counts_right_answers_of_each_family_in_each_full_window():
    model, graded = Oracle(BATCH, knows_attributes), AnswerLoss()
    for step in range(5):
        model.knows = knows_attributes if step < 1 else lambda batch: batch.family >= 0
        graded(model, BATCH)

    assert graded.accuracy(window=2).tolist() == [[1, 0.5, 0.5, 0.5, 0.5, 0.5], [1] * 6]
    assert graded.accuracy(window=6).shape == (0, 6)


def test_right_answers_are_shared_out_by_family():
    right = torch.tensor([[True, False, True, True], [False, False, True, False]])
    family = torch.tensor([[0, 0, 1, 2], [3, 4, 5, 2]])

    assert family_means(right, family).tolist() == [0.5, 1, 0.5, 0, 0, 1]


@pytest.mark.parametrize("chunk", [7, 64, 1000])
def test_right_answers_are_found_in_eval_mode_whatever_the_chunk(chunk):
    model = Oracle(BATCH, knows_attributes).train()
    right = right_answers(model, BATCH, chunk)

    assert torch.equal(right, knows_attributes(BATCH))
    assert not any(model.was_training)
    assert len(model.was_training) == -(-64 // chunk)
