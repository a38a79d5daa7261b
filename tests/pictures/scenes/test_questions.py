import hashlib

import numpy as np
import pytest
from support.scenes import sentence, unevenness

from vlmteach.pictures.scenes.answering import answer_to
from vlmteach.pictures.scenes.board import Scene
from vlmteach.pictures.scenes.questions import (
    ABOVE,
    COLOUR_OF,
    COLUMN,
    COUNT,
    LEFT,
    LENGTH,
    LIKE,
    PAD,
    QUESTIONS,
    ROW,
    SHAPE_OF,
    VOCABULARY,
    Questions,
    answers,
    far_questions,
    near_questions,
    question_words,
)
from vlmteach.pictures.scenes.sampling import COLOURS, SHAPES, far_scenes, near_scenes

# Made once on x86-64; the generator promises the same stream on every machine and version.
NEAR_BYTES = "6eec00316f0ef7659c10ba22264f8e25df21b68bae25ee5314f33c9dff10c49f"
FAR_BYTES = "6583be170dd657e6dd8cd964e3d7650463a1cafd6277c60239ee8393b6caebe1"
NUMBER = 12_000


def asked(kind, count, seed):
    """Scenes of a kind and their questions."""
    if kind == "near":
        scenes, counted = near_scenes(count, seed)
        return scenes, near_questions(scenes, counted, seed)
    scenes = far_scenes(count, seed)
    return scenes, far_questions(scenes, seed)


MANY = {kind: asked(kind, NUMBER, seed=1) for kind in ("near", "far")}
BOTH = pytest.mark.parametrize("kind", ["near", "far"])


def digest(scenes, questions):
    parts = question_words(questions, scenes), answers(questions, scenes)
    return hashlib.sha256(b"".join(part.astype("<i8").tobytes() for part in parts)).hexdigest()


def answers_by_string(kind, templates, swapped=False):
    """For each question string of these templates: how often each answer is right."""
    scenes, questions = MANY[kind]
    scenes = scenes.swapped() if swapped else scenes
    chosen = np.isin(questions.template, templates)
    words, right = question_words(questions, scenes)[chosen], answers(questions, scenes)[chosen]
    strings, which = np.unique(words, axis=0, return_inverse=True)
    table = np.zeros((len(strings), len(VOCABULARY)), dtype=int)
    np.add.at(table, (which.ravel(), right), 1)
    return strings, table


def test_a_seed_asks_the_same_on_every_machine():
    assert digest(*asked("near", 16, (3, 14))) == NEAR_BYTES
    assert digest(*asked("far", 16, (3, 14))) == FAR_BYTES


@BOTH
def test_another_seed_asks_something_else(kind):
    assert digest(*asked(kind, 8, 3)) != digest(*asked(kind, 8, (3, 0)))


def test_the_vocabulary_has_each_word_once_and_padding_first():
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert VOCABULARY[0] == PAD
    assert {*SHAPES, *COLOURS, "0", "8", "yes", "no"} <= set(VOCABULARY)


@BOTH
def test_words_end_with_a_question_mark_and_are_padded_behind_it(kind):
    scenes, questions = MANY[kind]
    words = question_words(questions, scenes)
    length = (words != 0).sum(axis=2)
    last = np.take_along_axis(words, length[:, :, None] - 1, axis=2)

    assert words.shape == (NUMBER, QUESTIONS, LENGTH)
    assert words.min() == 0
    assert (last == VOCABULARY.index("?")).all()
    assert length.max() == LENGTH


def test_questions_in_words():
    scenes, _ = near_scenes(1, seed=0)
    scenes.shape[0], scenes.colour[0] = [0, 1, 3], [0, 2, 5]
    template = np.arange(8)[None]
    first = np.array([[0, 1, 3, 2, 0, 0, 1, 2]])
    second = np.array([[0, 0, 0, 0, 0, 1, 2, 0]])
    words = question_words(Questions(template, first, second), scenes)[0]

    assert [sentence(row) for row in words] == [
        "what shape is red ?",
        "what colour is square ?",
        "how many cross ?",
        "which row is cyan ?",
        "which column is red ?",
        "is red left of blue ?",
        "is blue above cyan ?",
        "is cyan shaped like red ?",
    ]


@pytest.mark.parametrize("swapped", [False, True])
@BOTH
def test_every_answer_is_the_one_that_a_scene_alone_gives(kind, swapped):
    scenes, questions = asked(kind, 200, seed=7)
    scenes = scenes.swapped() if swapped else scenes
    words, right = question_words(questions, scenes), answers(questions, scenes)
    for index in range(len(scenes)):
        scene = Scene.from_batch(scenes, index)
        for row, answer in zip(words[index], right[index], strict=True):
            assert answer_to(scene, sentence(row)) == VOCABULARY[answer], (str(scene), sentence(row))


@pytest.mark.parametrize(
    ("kind", "per_scene"),
    [
        ("near", {"attribute": 3, COUNT: 1, ROW: 1, COLUMN: 1, "relation": 2, LIKE: 0}),
        ("far", {"attribute": 2, COUNT: 0, "where": 3, "relation": 2, LIKE: 1}),
    ],
)
def test_each_scene_is_asked_about_everything(kind, per_scene):
    groups = {"attribute": (SHAPE_OF, COLOUR_OF), "where": (ROW, COLUMN), "relation": (LEFT, ABOVE)}
    for group, times in per_scene.items():
        found = np.isin(MANY[kind][1].template, groups.get(group, (group,))).sum(axis=1)
        assert (found == times).all()


@BOTH
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("template", "strings", "answers_each"),
    [(SHAPE_OF, 6, 4), (COLOUR_OF, 4, 6), (ROW, 6, 6), (COLUMN, 6, 6), (LEFT, 30, 2), (ABOVE, 30, 2)],
)
def test_each_question_string_has_its_answers_equally_often(kind, swapped, template, strings, answers_each):
    found, table = answers_by_string(kind, [template], swapped)
    asked_often = table.sum(axis=1, keepdims=True)
    expected = asked_often / answers_each

    assert len(found) == strings
    assert ((table > 0).sum(axis=1) == answers_each).all()
    # one scene can ask a string twice, so the spread is up to 2 ** 0.5 times that of independent questions
    assert np.abs(table[table > 0].reshape(strings, -1) - expected).max() < 5 * (2 * expected.max()) ** 0.5


def test_each_shape_is_found_0_to_3_times_equally_often():
    strings, table = answers_by_string("near", [COUNT])
    counts = table[:, [VOCABULARY.index(number) for number in "0123"]]

    assert len(strings) == 4
    assert counts.sum() == NUMBER
    assert unevenness(counts.ravel()) < 5


def test_like_is_yes_equally_often_for_each_pair_of_colours():
    strings, table = answers_by_string("far", [LIKE])
    yes = table[:, VOCABULARY.index("yes")]

    assert len(strings) == 30
    assert np.abs(yes - table.sum(axis=1) / 2).max() < 5 * table.sum(axis=1).max() ** 0.5 / 2
    assert abs(yes.sum() / NUMBER - 0.5) < 5 * 0.5 / NUMBER**0.5


@pytest.mark.parametrize(("kind", "slots"), [("near", [6, 7]), ("far", [5])])
def test_swapping_the_two_things_turns_every_answer_about_them_around(kind, slots):
    scenes, questions = MANY[kind]
    before, after = answers(questions, scenes)[:, slots], answers(questions, scenes.swapped())[:, slots]
    no, yes = VOCABULARY.index("no"), VOCABULARY.index("yes")

    assert (before + after == no + yes).all()
    assert (before != after).all()


@BOTH
def test_swapping_leaves_answers_that_are_not_about_places(kind):
    scenes, questions = MANY[kind]
    same = np.isin(questions.template, (SHAPE_OF, COLOUR_OF, COUNT, LIKE))

    assert (answers(questions, scenes)[same] == answers(questions, scenes.swapped())[same]).all()
    assert (question_words(questions, scenes) == question_words(questions, scenes.swapped())).all()


@pytest.mark.parametrize("swapped", [False, True])
@BOTH
def test_a_relation_is_asked_where_the_two_things_differ_also_when_they_are_swapped(kind, swapped):
    scenes, questions = MANY[kind]
    scenes = scenes.swapped() if swapped else scenes
    scene = np.arange(NUMBER)[:, None]
    for template, part in ((LEFT, scenes.column), (ABOVE, scenes.row)):
        differ = part[scene, questions.first % 3] != part[scene, questions.second]
        assert differ[questions.template == template].all()


@BOTH
def test_both_relations_are_asked_where_both_are_clear(kind):
    scenes, questions = MANY[kind]
    clear = (scenes.column[:, 0] != scenes.column[:, 1]) & (scenes.row[:, 0] != scenes.row[:, 1])
    left = (questions.template[clear, 6 if kind == "near" else 5] == LEFT).mean()

    assert abs(left - 0.5) < 5 * 0.5 / clear.sum() ** 0.5


def test_the_second_relation_of_a_far_scene_is_one_to_the_third_thing_if_the_swap_leaves_one_clear():
    scenes, questions = MANY["far"]
    column, row = scenes.column, scenes.row
    in_columns = (column[:, 2] != column[:, 0]) & (column[:, 2] != column[:, 1])
    in_rows = (row[:, 2] != row[:, 0]) & (row[:, 2] != row[:, 1])
    has_third = (questions.first[:, 6] == 2) | (questions.second[:, 6] == 2)

    assert (has_third == (in_columns | in_rows)).all()
    assert 0 < (~has_third).mean() < 0.1
    # else it is the first pair again, the other way round
    assert (questions.first[~has_third, 6] == questions.second[~has_third, 5]).all()
    assert (questions.second[~has_third, 6] == questions.first[~has_third, 5]).all()
    with_first = ((questions.first[:, 6] == 0) | (questions.second[:, 6] == 0))[has_third]
    assert abs(with_first.mean() - 0.5) < 5 * 0.5 / NUMBER**0.5


@pytest.mark.parametrize("slot", [5, 6, 7])
def test_either_of_two_things_may_come_first_in_a_far_scene(slot):
    _, questions = MANY["far"]
    first, second = questions.first[:, slot], questions.second[:, slot]

    assert (first != second).all()
    assert abs((first < second).mean() - 0.5) < 5 * 0.5 / NUMBER**0.5


def test_where_each_far_thing_stands_is_asked():
    _, questions = MANY["far"]

    for slot in (2, 3, 4):
        assert unevenness(np.bincount(questions.first[:, slot], minlength=3)) < 5
    assert (questions.first[:, 2] == questions.first[:, 3]).all()


def test_the_colour_is_asked_of_a_thing_whose_shape_is_its_own():
    for scenes, questions in MANY.values():
        scene, slot = np.nonzero(questions.template == COLOUR_OF)
        shape = scenes.shape[scene, questions.first[scene, slot]]

        assert ((scenes.shape[scene] == shape[:, None]).sum(axis=1) == 1).all()
        asked_in = np.zeros(NUMBER, dtype=bool)
        asked_in[scene] = True
        all_equal = (scenes.shape == scenes.shape[:, :1]).all(axis=1)
        assert (asked_in == ~all_equal).all()
