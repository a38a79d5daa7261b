"""Questions about scenes, each with one exact answer of one word.

Things are called by their colour, which no two of a random scene share: "what shape is red ?". A random scene is asked
eight questions. Each question string has its answers equally often, in scenes and in their counterfactuals, so whoever
does not look at the picture can only guess. (Where some pairs of shape and colour are held out, a colour says a little
about the shape; `guess_rate` counts how much.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vlmteach.pictures.chance import Chance, Integers, Seed
from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.sampling import MOST_CELLS, SHAPES, THINGS, Scenes

# {a} and {b} are the colours of two things, {shape} is a shape
TEMPLATES = (
    "what shape is {a} ?",
    "what colour is {shape} ?",
    "how many {shape} ?",
    "which row is {a} ?",
    "which column is {a} ?",
    "is {a} left of {b} ?",
    "is {a} above {b} ?",
    "is {a} shaped like {b} ?",
)
SHAPE_OF, COLOUR_OF, COUNT, ROW, COLUMN, LEFT, ABOVE, LIKE = range(len(TEMPLATES))

PAD, END = "<pad>", "?"
NUMBERS = tuple(str(number) for number in range(MOST_CELLS + 1))
NO, YES = "no", "yes"
_ASKING = ("what", "which", "how", "many", "is", "shape", "colour", "row", "column", "left", "of", "above", "shaped")
VOCABULARY = (PAD, *_ASKING, "like", END, *SHAPES, *COLOURS, *NUMBERS, NO, YES)
LENGTH = 6  # words of the longest question, its question mark included
QUESTIONS = 8  # to a scene

_NUMBER = {word: number for number, word in enumerate(VOCABULARY)}
_FIRST_SHAPE, _FIRST_COLOUR, _FIRST_NUMBER, _NO = (_NUMBER[word] for word in (SHAPES[0], COLOURS[0], "0", NO))


class Questions(NamedTuple):
    """Q questions to each of B scenes, before they are put into words.

    template: (B, Q), index into TEMPLATES. first, second: (B, Q), the things asked about, by their place in the scene;
    for a counting question, `first` is the shape that is counted.
    """

    template: Integers
    first: Integers
    second: Integers


def near_questions(scenes: Scenes, counted: Integers, seed: Seed) -> Questions:
    """Eight questions to near scenes: 3 attributes, a count, where the third thing is (2), and the neighbours (2).

    counted: (B,), the shape to count, as near_scenes gives it.
    """
    chance = Chance(seed, stream=20)
    count = len(scenes)
    zero, one, two = (np.full(count, thing) for thing in range(THINGS))
    slots = [
        (np.full(count, SHAPE_OF), chance.numbers(THINGS, count), zero),
        (np.full(count, SHAPE_OF), chance.numbers(THINGS, count), zero),
        _colour_question(scenes, chance),
        (np.full(count, COUNT), counted, zero),
        (np.full(count, ROW), two, zero),
        (np.full(count, COLUMN), two, zero),
        (_relation(_apart(scenes, zero, one), chance), zero, one),
        (_relation(_apart(scenes, one, zero), chance), one, zero),
    ]
    return Questions(*(np.stack(part, axis=1) for part in zip(*slots, strict=True)))


def far_questions(scenes: Scenes, seed: Seed) -> Questions:
    """Eight questions to far scenes: 2 attributes, where things are (3), how two lie (2), whether two are alike.

    The second relation is one to the third thing, if there is one that stays clear when the first two change places.
    """
    chance = Chance(seed, stream=21)
    count = len(scenes)
    zero, one, two = (np.full(count, thing) for thing in range(THINGS))
    placed = chance.numbers(THINGS, count)
    flip = chance.numbers(2, count)
    other = chance.numbers(2, count)
    from_third = chance.numbers(2, count) == 0
    a, b = np.where(from_third, two, other), np.where(from_third, other, two)
    first_two = _apart(scenes, zero, one)
    from_both = _apart(scenes, two, zero) & _apart(scenes, two, one)
    clear = from_both.any(axis=0)
    a, b = np.where(clear, a, 1 - flip), np.where(clear, b, flip)
    slots = [
        (np.full(count, SHAPE_OF), chance.numbers(THINGS, count), zero),
        _colour_question(scenes, chance),
        (np.full(count, ROW), placed, zero),
        (np.full(count, COLUMN), placed, zero),
        (ROW + chance.numbers(2, count), chance.numbers(THINGS, count), zero),
        (_relation(first_two, chance), flip, 1 - flip),
        (_relation(np.where(clear, from_both, first_two), chance), a, b),
        (np.full(count, LIKE), flip, 1 - flip),
    ]
    return Questions(*(np.stack(part, axis=1) for part in zip(*slots, strict=True)))


def question_words(questions: Questions, scenes: Scenes) -> Integers:
    """The questions in words: (B, Q, 6), numbers into VOCABULARY, padded behind the question mark."""
    template, first, second = questions
    words = _BASE[template]
    shaped = np.where(template == COUNT, first, _of(scenes.shape, first))
    for blank, word in (
        ("{a}", _FIRST_COLOUR + _of(scenes.colour, first)),
        ("{b}", _FIRST_COLOUR + _of(scenes.colour, second)),
        ("{shape}", _FIRST_SHAPE + shaped),
    ):
        words = np.where(words == _BLANKS[blank], word[:, :, None], words)
    return words


def answers(questions: Questions, scenes: Scenes) -> Integers:
    """The right answer to each question about these scenes: (B, Q), numbers into VOCABULARY."""
    template, first, second = questions
    shape, colour, row, column = (_of(part, first) for part in (scenes.shape, scenes.colour, scenes.row, scenes.column))
    by_template = [
        _FIRST_SHAPE + shape,
        _FIRST_COLOUR + colour,
        _FIRST_NUMBER + (scenes.shape[:, None, :] == first[:, :, None]).sum(axis=2),
        _FIRST_NUMBER + 1 + row,
        _FIRST_NUMBER + 1 + column,
        _NO + (column < _of(scenes.column, second)),
        _NO + (row < _of(scenes.row, second)),
        _NO + (shape == _of(scenes.shape, second)),
    ]
    return np.choose(template, by_template)


def _colour_question(scenes: Scenes, chance: Chance) -> tuple[Integers, Integers, Integers]:
    """The colour of a thing whose shape is its own; where all shapes are shared, the shape of a thing instead."""
    alone = (scenes.shape[:, :, None] == scenes.shape[:, None, :]).sum(axis=2) == 1
    thing = (alone * (1 + chance.numbers(64, alone.shape))).argmax(axis=1)
    return np.where(alone.any(axis=1), COLOUR_OF, SHAPE_OF), thing, np.zeros_like(thing)


def _apart(scenes: Scenes, first: Integers, second: Integers) -> NDArray[np.bool_]:
    """Whether two things of each scene stand in different columns, and whether in different rows: (2, B)."""
    scene = np.arange(len(scenes))
    return np.stack([part[scene, first] != part[scene, second] for part in (scenes.column, scenes.row)])


def _relation(apart: NDArray[np.bool_], chance: Chance) -> Integers:
    """LEFT or ABOVE, either where columns and rows differ, else the one that does. apart: (2, B), at least one."""
    columns, rows = apart
    either = chance.numbers(2, len(columns)) == 0
    return np.where(columns & (either | ~rows), LEFT, ABOVE)


def _of(values: Integers, thing: Integers) -> Integers:
    """What is said about each thing: values (B, K), thing (B, Q) -> (B, Q).

    Where `thing` is a counted shape, 0 to 3, the result is not used; it must only not fall outside.
    """
    return np.take_along_axis(values, np.minimum(thing, values.shape[1] - 1), axis=1)


_BLANKS = {blank: -1 - number for number, blank in enumerate(("{a}", "{b}", "{shape}"))}


def _base() -> Integers:
    base = np.full((len(TEMPLATES), LENGTH), _NUMBER[PAD], dtype=np.int64)
    for number, template in enumerate(TEMPLATES):
        for place, word in enumerate(template.split()):
            base[number, place] = _BLANKS[word] if word in _BLANKS else _NUMBER[word]
    return base


_BASE = _base()
