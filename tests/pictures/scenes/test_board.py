import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vlmteach.pictures.look import CELL, COLOURS
from vlmteach.pictures.scenes.board import Scene, Thing, draw_scene
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.sampling import SHAPES, SIZES, Scenes, far_scenes, near_scenes

TEXT = "red circle at row 1, column 4; blue square at row 3, column 2"
TWO = Scene((Thing("circle", "red", 1, 4), Thing("square", "blue", 3, 2)))


@st.composite
def scenes(draw):
    cells = draw(st.integers(1, 8))
    places = draw(st.lists(st.tuples(*[st.integers(1, cells)] * 2), min_size=1, max_size=8, unique=True))
    things = [Thing(draw(st.sampled_from(SHAPES)), draw(st.sampled_from(COLOURS)), *place) for place in places]
    return Scene(tuple(things), cells)


@given(scenes())
def test_a_scene_is_read_back_from_its_words(scene):
    assert Scene.parse(str(scene), scene.cells) == scene


def test_words_describe_a_scene():
    assert Scene.parse(TEXT) == TWO
    assert str(TWO) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        TEXT + ";",
        TEXT.upper(),
        TEXT.replace("; ", "\n"),
        "A red circle at row 1, column 4;  the blue square   at row 3 and column 2.",
        "red circle at row 1 column 4;\n\nblue square at row 3,column 2\n",
    ],
)
def test_words_may_be_written_in_several_ways(text):
    assert Scene.parse(text) == TWO


@pytest.mark.parametrize("make", [lambda: near_scenes(20, seed=3, cells=7)[0], lambda: far_scenes(20, seed=3)])
def test_one_of_many_scenes_is_the_same_scene(make):
    many = make()
    pictures = draw_scenes(many)
    for index in range(len(many)):
        scene = Scene.from_batch(many, index)
        again = scene.as_batch()

        assert torch.equal(draw_scene(scene), pictures[index])
        assert again.cells == many.cells
        for part in ("shape", "colour", "row", "column", "size", "down", "right"):
            assert np.array_equal(getattr(again, part), getattr(many, part)[[index]])


def test_rows_and_columns_count_from_one_and_size_and_place_can_be_told():
    picture = draw_scene(Scene((Thing("square", "red", 2, 3, size=5, down=3, right=0),), cells=4))
    rows, columns = np.nonzero((picture[0] != picture[0, 0, 0]).numpy())

    assert picture.shape == (3, 32, 32)
    assert (rows.min(), rows.max() + 1) == (8 + 3, 8 + 8)
    assert (columns.min(), columns.max() + 1) == (16, 16 + 5)


def test_whole_numbers_may_be_numpys():
    row, column, size = np.array([1, 4, 6])

    assert Thing("circle", "red", row, column, size) == TWO.things[0]
    assert str(Thing("circle", "red", row, column, size)) == str(TWO.things[0])


def test_every_size_stands_within_its_cell_unless_told_otherwise():
    for size in SIZES:
        thing = Thing("square", "red", 1, 1, size)
        assert max(thing.down, thing.right) + size <= CELL


def test_two_things_of_one_colour_can_be_drawn():
    picture = draw_scene(Scene.parse("red circle at row 1, column 1; red cross at row 2, column 2"))

    assert (picture[0] == 1).any()


def test_things_may_come_in_a_list_and_a_scene_cannot_be_changed():
    scene = Scene([Thing("circle", "red", 1, 4), Thing("square", "blue", 3, 2)])

    assert scene == TWO
    assert hash(scene) == hash(TWO)
    with pytest.raises(AttributeError):
        scene.cells = 3


def test_a_batch_of_one_has_one_scene():
    batch = TWO.as_batch()

    assert isinstance(batch, Scenes)
    assert len(batch) == 1
    assert batch.row.tolist() == [[0, 2]]
    assert batch.row.dtype == np.int64


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: Thing("circl", "red", 1, 1),
            "there is no shape 'circl'; expected one of circle, square, triangle, cross",
        ),
        (lambda: Thing("circl", "red", 1, 1), "Did you mean 'circle'?"),
        (lambda: Thing("circle", "Red", 1, 1), "there is no colour 'Red'"),
        (lambda: Thing("circle", "Red", 1, 1), "Did you mean 'red'?"),
        (lambda: Thing("circle", "purple", 1, 1), "expected one of red, green, blue, yellow, magenta, cyan."),
        (lambda: Thing("circle", "red", 0, 1), "the row of the red circle is 0; expected a whole number from 1"),
        (lambda: Thing("circle", "red", 1, -2), "the column of the red circle is -2"),
        (lambda: Thing("circle", "red", 1.0, 1), "the row of the red circle is 1.0"),
        (lambda: Thing("circle", "red", True, 1), "the row of the red circle is True"),
        (lambda: Thing("circle", "red", 1, 1, 4), "the size of the red circle is 4; expected 5 to 7 whole pixels"),
        (lambda: Thing("circle", "red", 1, 1, 8), "the size of the red circle is 8"),
        (lambda: Thing("circle", "red", 1, 1, 6.0), "the size of the red circle is 6.0"),
        (lambda: Thing("circle", "red", 1, 1, 7, 2), "down of the red circle is 2; expected 0 to 1 whole pixels"),
        (lambda: Thing("circle", "red", 1, 1, 6, 0, -1), "right of the red circle is -1; expected 0 to 2"),
        (lambda: Scene(()), "a scene needs at least one thing"),
        (lambda: Scene.parse(" ;\n"), "a scene needs at least one thing"),
        (lambda: Scene(TWO.things, cells=0), "cells is 0; expected a whole number from 1 to 8"),
        (lambda: Scene(TWO.things, cells=9), "cells is 9"),
        (
            lambda: Scene(TWO.things, cells=3),
            "red circle at row 1, column 4 is outside: this board has 3 rows and 3 col",
        ),
        (lambda: Scene.parse("red circle at row 7, column 1"), "row 7, column 1 is outside: this board has 6 rows"),
        (lambda: Scene.parse("red circle at row -1, column 1"), "the row of the red circle is -1"),
        (
            lambda: Scene.parse(TEXT + "; cyan cross at row 1, column 4"),
            "the red circle and the cyan cross are both at row 1, column 4; expected one thing to a cell",
        ),
        (
            lambda: Scene.parse("red circle at row 1, column 4; red circle at row 1, column 4"),
            "the red circle and the red circle are both at row 1, column 4",
        ),
        (lambda: Scene.parse("red circle"), '"red circle" does not describe a thing; expected for instance "red'),
        (lambda: Scene.parse("rad circle at row 1, column 1"), "there is no colour 'rad'"),
        (lambda: Scene.parse("circle red at row 1, column 1"), "there is no shape 'red'"),
        (lambda: Scene.from_batch(far_scenes(4, seed=0), 4), "index is 4; expected 0 to 3"),
        (lambda: Scene.from_batch(far_scenes(4, seed=0), -1), "index is -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()


@pytest.mark.parametrize("things", [TEXT, TWO.things[0], None, ["red circle"]], ids=repr)
def test_something_else_than_things_is_refused(things):
    with pytest.raises(TypeError, match="expected a list or tuple of Thing"):
        Scene(things)
