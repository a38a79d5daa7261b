import pytest
import torch
from support.scenes import sentence

from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.absent import NONE, ask_about_absent, colours_in
from vlmteach.pictures.scenes.batches import make_batch
from vlmteach.pictures.scenes.board import Scene, Thing, draw_scene
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.questions import VOCABULARY
from vlmteach.pictures.scenes.sampling import SHAPES, SIZES, far_scenes

BATCH = make_batch(800, seed=1)
ASKED = ask_about_absent(BATCH, seed=2)
IS_NONE = ASKED.answers == len(VOCABULARY)
NAMED = ((BATCH.words >= VOCABULARY.index(COLOURS[0])) & (BATCH.words <= VOCABULARY.index(COLOURS[-1]))).sum(dim=-1)


def colours_of(words):
    return [word for word in sentence(words).split() if word in COLOURS]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_thing_of_any_size_shows_its_colour_and_no_other(shape, colour):
    scenes = [Scene((Thing(shape, colour, 2, 3, size=size),)) for size in SIZES]

    for found in colours_in(torch.stack([draw_scene(scene) for scene in scenes])):
        assert [name for name, there in zip(COLOURS, found.tolist(), strict=True) if there] == [colour]


def test_a_random_scene_holds_the_colours_of_its_three_things():
    scenes = far_scenes(300, seed=5)
    expected = torch.zeros(300, len(COLOURS), dtype=torch.bool).scatter(1, torch.from_numpy(scenes.colour), True)

    assert torch.equal(colours_in(draw_scenes(scenes)), expected)


def test_a_question_whose_answer_is_none_names_one_colour_that_is_not_there():
    there = colours_in(BATCH.pictures)
    for picture, question in IS_NONE.nonzero().tolist():
        missing = [c for c in colours_of(ASKED.words[picture, question]) if not there[picture, COLOURS.index(c)]]
        assert len(missing) == 1


def test_only_one_colour_word_is_exchanged_and_all_else_stays():
    moved = ASKED.words != BATCH.words

    assert torch.equal(moved.any(dim=-1), IS_NONE)
    assert (moved.sum(dim=-1)[IS_NONE] == 1).all()
    assert all(VOCABULARY[word] in COLOURS for word in [*ASKED.words[moved], *BATCH.words[moved]])
    assert torch.equal(ASKED.answers[~IS_NONE], BATCH.answers[~IS_NONE])
    assert torch.equal(ASKED.pictures, BATCH.pictures)
    assert torch.equal(ASKED.family, BATCH.family)


def test_half_of_the_questions_that_name_a_colour_are_exchanged():
    assert not IS_NONE[NAMED == 0].any()
    assert 0.47 < IS_NONE[NAMED > 0].double().mean() < 0.53


def test_of_two_colours_either_is_exchanged_and_every_absent_one_takes_its_place():
    two = IS_NONE & (NAMED == 2)
    first, second = 1, 4  # "is red left of blue ?", "is red above blue ?": the first stands at one place in all
    moved = (ASKED.words != BATCH.words)[two]
    assert 0.45 < moved[:, first].double().mean() < 0.55
    assert moved[:, first + 1 : second + 1].any()
    counts = torch.bincount(ASKED.words[ASKED.words != BATCH.words] - VOCABULARY.index(COLOURS[0]), minlength=6)
    assert (counts > 0.12 * counts.sum()).all()


def test_only_the_colours_asked_for_are_asked_about_and_where_they_are_there_nothing_changes():
    asked = ask_about_absent(BATCH, seed=2, colours=["magenta"])
    changed = (asked.words != BATCH.words).any(dim=-1)
    there = colours_in(BATCH.pictures)[:, COLOURS.index("magenta")]

    assert {VOCABULARY[word] for word in asked.words[asked.words != BATCH.words]} == {"magenta"}
    assert not changed[there].any()
    assert changed[~there].any()
    assert torch.equal(asked.answers == len(VOCABULARY), changed)


def test_a_seed_gives_the_same_questions_and_another_seed_others():
    assert torch.equal(ask_about_absent(BATCH, seed=2).words, ASKED.words)
    assert not torch.equal(ask_about_absent(BATCH, seed=3).words, ASKED.words)


def test_the_word_is_new():
    assert NONE not in VOCABULARY


@pytest.mark.parametrize(
    ("colours", "message"),
    [([], "colours is empty; expected some"), (["pink"], "there is no colour 'pink'; expected one of red, green")],
)
def test_colours_that_cannot_be_asked_about_are_refused(colours, message):
    with pytest.raises(ValueError, match=message):
        ask_about_absent(BATCH, seed=1, colours=colours)
