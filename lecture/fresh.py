"""Numbers of a class's own, drawn from a secret that only the teacher's side has.

The secret is a file with a line of text. It decides, for `make handin`, the numbers that value exercises ask for
(VALUES), so that a number copied from another class is wrong; and, for `make collect`, inputs on which functions are
tried beside those of the lesson (INPUTS, and NUMBERS_IN_ANOTHER_ORDER), so that a table of the lesson's cases is wrong.
A class's own numbers stand in its notebook, of course; the further inputs stand nowhere.

Exercises that ask to choose, to argue or to repair have none: 0.1, 6.3, 7.3, 8.3, 9.1, 9.2, 9.3, 10.3, 11.3. Nor has
4.1, which is about the lesson's own example, and 10.2, whose tokens are made to tell its mistakes apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from lecture.asked import Asked, read_asked
from vlmteach.course import Lesson
from vlmteach.course.exercises import Exercise, lesson_01, lesson_02, lesson_03, lesson_05, lesson_07
from vlmteach.course.exercises.checks import FunctionCheck

SHORTEST = 8  # letters of a secret; every class's numbers could be found by trying shorter ones


@dataclass(frozen=True)
class Numbers:
    """The numbers of an exercise that asks for a value.

    make: the course's function that makes the exercise for them. choices: what each is drawn from; neither the right
    number nor that of a mistake may be the lesson's right one. phrases: what the lesson says -> the same with the
    numbers' names in braces.
    """

    make: Callable[..., Exercise]
    choices: Mapping[str, Sequence[int]]
    phrases: Mapping[str, str]


VALUES = {
    "1.2": Numbers(
        lesson_01.token_count_for,
        {"height": [32 * n for n in range(8, 21) if n != 12], "width": [32 * n for n in (23, 37, 43)]},
        {"384 rows and 640 columns": "{height} rows and {width} columns"},
    ),
    "2.2": Numbers(
        lesson_02.depth_for_sigma_of,
        {"sigma": [sigma for sigma in range(10, 41, 2) if sigma not in (16, 24)]},
        {"16 pixels": "{sigma} pixels", "sigma_16": "sigma_{sigma}"},
    ),
    "3.1": Numbers(
        lesson_03.token_count_for,
        {"side": [14 * n for n in range(20, 49) if n not in (24, 28)]},
        {
            "CLIP's ViT-L/14 at 336 pixels is the image encoder of LLaVA-1.5. Its": "A ViT reads pictures of {side} × "
            "{side} pixels. Its"
        },
    ),
    "5.1": Numbers(
        lesson_05.parameters_of_a_block_of,
        {"dim": [64 * n for n in range(3, 20) if n != 6]},
        {"ViT-S has D = 384": "a ViT has D = {dim}"},
    ),
    "7.2": Numbers(
        lesson_07.projector_size_for,
        {"visual": [768, 1152, 1280, 1408, 1536, 1664], "words": [2048, 2304, 2560, 2816, 3072, 3584]},
        {
            "LLaVA-1.5 maps tokens that are 1024 wide to words that are 4096 wide": "A connector maps tokens that are "
            "{visual} wide to words that are {words} wide",
            "keeps 4096": "keeps {words}",
            "does this connector have": "does it have",
        },
    ),
}


def _layers(draw: Random) -> list[tuple[int, int, int]]:
    return [(draw.randint(2, 7), draw.randint(1, 3), draw.randint(1, 3)) for _ in range(4)]


# One more case of a function, as its arguments.
INPUTS: dict[str, Callable[[Random], tuple[Any, ...]]] = {
    "0.2": lambda draw: _squares(draw, 8, 14, 24, 28),
    "1.3": lambda draw: (draw.randint(20, 90), draw.randint(5, 19), draw.choice([8, 14, 24])),
    "2.1": lambda draw: (_layers(draw),),
    "2.3": lambda draw: (
        draw.randint(20, 60),
        draw.randint(2, 6),
        draw.randint(3, 18),
        draw.randint(6, 11),
        draw.randint(14, 40),
    ),
    "4.3": lambda draw: (draw.randint(3, 9), draw.randint(3, 9)),
    "6.1": lambda draw: (tuple(draw.randint(1, 9) for _ in range(5)),),
    "7.1": lambda draw: (draw.randint(3, 9), draw.randint(3, 9), draw.randint(3, 9)),
    "8.1": lambda draw: (draw.randint(3, 9), draw.randint(3, 5), draw.randint(3, 6)),
    "10.1": lambda draw: (*_squares(draw, 8, 14, 28), draw.randint(2, 9)),
    "11.1": lambda draw: (
        28 * draw.randint(9, 60) + draw.randint(1, 13),
        28 * draw.randint(9, 60) - draw.randint(1, 13),
    ),
    "11.2": lambda draw: (draw.randint(70, 900), draw.randint(70, 900), draw.randint(2, 40)),
}

# Of these, the cases of the lesson once more, with the numbers of each tensor in another order.
NUMBERS_IN_ANOTHER_ORDER = {"1.1", "3.2", "3.3", "4.2", "5.2", "5.3", "6.2", "8.2"}


def _squares(draw: Random, *sides: int) -> tuple[int, int, int]:
    """Height and width of a picture that squares of a side divide, and the side."""
    side = draw.choice(sides)
    return side * draw.randint(9, 30), side * draw.randint(31, 50), side


def read_secret(file: Path | None) -> str:
    """The text of the file; empty for none. ValueError for one that is too short to be a secret."""
    if file is None:
        return ""
    secret = file.read_text("utf-8").strip()
    if len(secret) < SHORTEST:
        raise ValueError(f"{file} holds {len(secret)} letters; expected a secret of {SHORTEST} or more.")
    return secret


def asked_in_class(lesson: Lesson, secret: str) -> dict[str, Asked]:
    """The exercises, with the numbers of the class that has this secret; with the lesson's for none."""
    return {number: ask_afresh(asked, secret) if secret else asked for number, asked in read_asked(lesson).items()}


def ask_afresh(asked: Asked, secret: str) -> Asked:
    """The exercise as the class with this secret is asked it."""
    number = asked.exercise.number
    if number not in VALUES:
        return asked
    fresh, draw = VALUES[number], Random(f"{secret} {number}")
    drawn = {name: draw.choice(among) for name, among in fresh.choices.items()}
    given = ", ".join(f"{name}={value}" for name, value in drawn.items())
    maker = f"{asked.maker.partition('.')[0]}.{fresh.make.__name__}({given})"
    phrases = {old: new.format(**drawn) for old, new in fresh.phrases.items()}
    return asked.with_numbers(fresh.make(**drawn), maker, phrases)


def tried_afresh(exercise: Exercise, secret: str) -> Exercise:
    """The exercise with inputs beside the lesson's, which only who has the secret knows."""
    number, examine = exercise.number, exercise.examine
    if number not in INPUTS.keys() | NUMBERS_IN_ANOTHER_ORDER:
        return exercise
    assert isinstance(examine, FunctionCheck)
    draw = Random(f"{secret} {number}")
    if number in INPUTS:
        more = tuple(INPUTS[number](draw) for _ in range(3))
    else:
        generator = torch.Generator().manual_seed(draw.getrandbits(63))
        more = tuple(tuple(_in_another_order(value, generator) for value in case) for case in examine.cases)
    return replace(exercise, examine=replace(examine, cases=(*examine.cases, *more)))


def _in_another_order(value: Any, generator: torch.Generator) -> Any:
    """A tensor, or each of a dictionary, with its numbers in another order; what counts or names stays as it is."""
    if isinstance(value, dict):
        return {name: _in_another_order(part, generator) for name, part in value.items()}
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.flatten()[torch.randperm(value.numel(), generator=generator)].view_as(value)
    return value
