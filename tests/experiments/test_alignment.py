import torch

from vlmteach.experiments.alignment import (
    Strangers,
    absent_questions,
    copied,
    learns,
    train_some,
    usual_questions,
    with_interval,
)
from vlmteach.experiments.matrix import HELD_OUT, load_vlm, right_answers
from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.questions import VOCABULARY
from vlmteach.pictures.scenes.sampling import far_scenes


def test_nothing_learns_before_it_is_told_to_and_the_trained_parts_are_those_that_are_shipped():
    model = Strangers()
    assert learns(model) == 0
    speaker = load_vlm("cnn-large", "cross-attention")
    for name, number in speaker.language_model.state_dict().items():
        assert torch.equal(model.language_model.state_dict()[name], number)


def test_questions_are_seen_by_the_vit():
    batch = usual_questions(8, seed=3)
    assert batch.pictures.shape == (8, 36, 64)
    assert not batch.pictures.requires_grad


def test_an_absent_colour_is_in_no_thing_and_the_answer_is_no():
    batch = absent_questions(12, seed=7)
    scenes = far_scenes(12, 7, pairs=~HELD_OUT)
    assert (batch.answers == VOCABULARY.index("no")).all()
    for words, present in zip(batch.words, scenes.colour, strict=True):
        asked = {VOCABULARY[word] for word in words.flatten().tolist()} & set(COLOURS)
        assert asked
        assert asked.isdisjoint(COLOURS[colour] for colour in present)


def test_training_changes_what_may_learn_and_nothing_else():
    model = copied(Strangers(), lambda new: new.projector.requires_grad_(True))
    before = {name: number.clone() for name, number in model.state_dict().items()}
    losses = train_some(
        model, [usual_questions(16, seed=0), absent_questions(16, seed=1)], steps=4, rate=1e-2, pictures=8
    )
    assert len(losses) == 4
    moved = {name for name, number in model.state_dict().items() if not torch.equal(number, before[name])}
    assert moved
    assert all(name.startswith(("projector.", "connector.translator.")) for name in moved)
    assert not model.training


def test_a_projector_alone_aligns_them():
    model, exam = Strangers(), usual_questions(64, seed=1_000_000)
    aligned = copied(model, lambda new: new.projector.requires_grad_(True))
    train_some(aligned, [usual_questions(128, seed=0)], steps=60, rate=4e-3)
    before, after = (with_interval(right_answers(one, exam)) for one in (model, aligned))
    assert before[0] + before[1] < 0.4
    assert after[0] - after[1] > 0.6


def test_the_interval_is_over_pictures():
    right = torch.tensor([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    mean, half = with_interval(right)
    assert mean == 0.625
    assert abs(half - 1.96 * torch.tensor([1.0, 0, 0.5, 1]).std().item() / 2) < 1e-6
