"""Scenes: a few coloured shapes on an empty background, so simple that every question about them has one answer.

A picture is a board of square cells, 8 pixels each; a thing stands somewhere in its cell and is 5 to 7 pixels large.
Two kinds of random scenes put three things of different colours on a board:

- **near**: the first two things are neighbours, 1 or 2 cells apart;
- **far**: all three are at least 3 cells apart, also across the borders of the board. A cell of a convolutional grid
  that hears only of its eight neighbours never sees two of them at once, whether its borders wrap or not.

A seed gives the same bytes on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import permutations
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vlmteach.pictures.chance import Chance, Integers, Seed
from vlmteach.pictures.look import CELL, COLOURS

SHAPES = ("circle", "square", "triangle", "cross")
CELLS = 6  # cells along the board's side
MOST_CELLS = 8
SIZES = (5, 6, 7)  # pixels along a thing's side
NEAR = 2  # cells: the largest distance of neighbours
FAR = 3  # cells: the smallest distance of things that are far apart
THINGS = 3  # in a random scene

EVERY_PAIR = np.ones((len(SHAPES), len(COLOURS)), dtype=np.bool_)  # [shape, colour]: may it occur?


@dataclass(frozen=True)
class Scenes:
    """B scenes of K things each, as whole numbers.

    shape, colour: (B, K), index into SHAPES and COLOURS. row, column: (B, K), the cell, counted from 0.
    size: (B, K), pixels. down, right: (B, K), pixels between the thing and the upper left corner of its cell.
    cells: along the side of the square board.
    """

    shape: Integers
    colour: Integers
    row: Integers
    column: Integers
    size: Integers
    down: Integers
    right: Integers
    cells: int = CELLS

    def __len__(self) -> int:
        return len(self.shape)

    def take(self, which: NDArray[np.generic]) -> Self:
        """Some of the scenes, by number or by a mask (B,)."""
        taken: dict[str, Any] = {field: getattr(self, field)[which] for field in _ARRAYS}
        return replace(self, **taken)

    def swapped(self) -> Self:
        """The counterfactual: the first two things change places, each with its size and its jitter."""
        order = [1, 0, *range(2, self.shape.shape[1])]
        return replace(self, row=self.row[:, order], column=self.column[:, order])


_ARRAYS = [field.name for field in fields(Scenes) if field.name != "cells"]


def joined(*parts: Scenes) -> Scenes:
    """Several groups of scenes one after the other; all on boards of one size and with as many things."""
    together: dict[str, Any] = {field: np.concatenate([getattr(part, field) for part in parts]) for field in _ARRAYS}
    return replace(parts[0], **together)


def near_scenes(
    count: int,
    seed: Seed,
    *,
    cells: int = CELLS,
    distances: tuple[int, ...] = (1, 2),
    pairs: NDArray[np.bool_] = EVERY_PAIR,
) -> tuple[Scenes, Integers]:
    """Random scenes whose first two things are neighbours; the third stands in any cell, each equally often.

    Returns them and a shape for each (count,), each shape equally often: it occurs 0, 1, 2 or 3 times, each equally
    often, so that a question how often can only be guessed.
    distances: of the neighbours in cells (the longer leg), all their cells equally often.
    pairs: (4, 6), which shape may have which colour. Leave some distances or pairs out to test on them.
    Raises ValueError for arguments that leave nothing to draw.
    """
    _check(count, cells, pairs)
    if not distances or not set(distances) <= set(range(1, NEAR + 1)):
        raise ValueError(f"distances is {distances}; expected some of 1 to {NEAR} cells.")
    chance = Chance(seed, stream=10)
    third = chance.numbers(cells * cells, count)
    options, how_many = _neighbours(cells, tuple(distances))
    first, second = np.empty_like(third), np.empty_like(third)
    todo = np.arange(count)
    while len(todo):  # draw again where a neighbour would stand on the third thing
        first[todo] = chance.others(third[None, todo], cells * cells)
        second[todo] = options[first[todo], chance.below(how_many[first[todo]])]
        todo = todo[second[todo] == third[todo]]
    counted = chance.numbers(len(SHAPES), count)
    rest = np.stack([chance.others(counted[None], len(SHAPES)) for _ in range(THINGS)], axis=1)
    times = chance.numbers(THINGS + 1, count)
    rank = _shuffled(chance, count)
    shape = np.where(rank < times[:, None], counted[:, None], rest)
    return _scenes(chance, np.stack([first, second, third], axis=1), shape, cells, pairs), counted


def far_scenes(count: int, seed: Seed, *, cells: int = CELLS, pairs: NDArray[np.bool_] = EVERY_PAIR) -> Scenes:
    """Random scenes whose things are all far apart; every cell is equally likely for each of them.

    The first two have the same shape in half of the scenes. pairs and errors as in near_scenes.
    """
    _check(count, cells, pairs)
    chance = Chance(seed, stream=11)
    places = _far_places(cells)
    shape = chance.numbers(len(SHAPES), (count, THINGS))
    other = chance.others(shape[None, :, 0], len(SHAPES))
    shape[:, 1] = np.where(chance.numbers(2, count) == 0, shape[:, 0], other)
    return _scenes(chance, places[chance.numbers(len(places), count)], shape, cells, pairs)


def _scenes(chance: Chance, place: Integers, shape: Integers, cells: int, pairs: NDArray[np.bool_]) -> Scenes:
    size = SIZES[0] + chance.numbers(len(SIZES), shape.shape)
    down, right = chance.below(CELL + 1 - size), chance.below(CELL + 1 - size)
    row, column = np.divmod(place, cells)
    return Scenes(shape, _colours(chance, shape, pairs), row, column, size, down, right, cells)


def _colours(chance: Chance, shape: Integers, pairs: NDArray[np.bool_]) -> Integers:
    """Different colours for the things of a scene, only such as may occur with the shape of each."""
    colour = np.empty_like(shape)
    todo = np.arange(len(shape))
    while len(todo):
        drawn = np.empty((THINGS, len(todo)), dtype=np.int64)
        for thing in range(THINGS):
            drawn[thing] = chance.others(drawn[:thing], len(COLOURS))
        colour[todo] = drawn.T
        todo = todo[~pairs[shape[todo], colour[todo]].all(axis=1)]
    return colour


def _shuffled(chance: Chance, count: int) -> Integers:
    """The numbers 0 to 2 in a random order, (count, 3)."""
    orders = np.array(list(permutations(range(THINGS))))
    return orders[chance.numbers(len(orders), count)]


@lru_cache
def _neighbours(cells: int, distances: tuple[int, ...]) -> tuple[Integers, Integers]:
    """For each cell: its neighbours at these distances (cells², most), the rest filled up, and how many there are."""
    row, column = np.divmod(np.arange(cells * cells), cells)
    legs = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
    near = np.isin(legs, distances)
    how_many = near.sum(axis=1)
    return np.argsort(~near, axis=1, kind="stable")[:, : how_many.max()], how_many


@lru_cache
def _far_places(cells: int) -> Integers:
    """Every ordered choice of three cells that are all far apart, also across the borders: (choices, 3)."""
    row, column = np.divmod(np.arange(cells * cells), cells)

    def around(place: Integers) -> Integers:
        leg = abs(place[:, None] - place)
        return np.minimum(leg, cells - leg)

    far = np.maximum(around(row), around(column)) >= FAR
    return np.argwhere(far[:, :, None] & far[:, None, :] & far[None, :, :])


def _check(count: int, cells: int, pairs: NDArray[np.bool_]) -> None:
    if count < 1:
        raise ValueError(f"count is {count}; expected at least one scene.")
    if not 2 * FAR <= cells <= MOST_CELLS:
        raise ValueError(f"cells is {cells}; expected {2 * FAR} to {MOST_CELLS} along the side of the board.")
    if pairs.shape != EVERY_PAIR.shape or pairs.dtype != np.bool_:
        raise ValueError(
            f"pairs has shape {pairs.shape} and type {pairs.dtype}; expected bools {EVERY_PAIR.shape}: [shape, colour]."
        )
    if pairs.sum(axis=1).min() < THINGS:
        raise ValueError(
            f"pairs leaves a shape only {pairs.sum(axis=1).min()} colours; expected at least {THINGS} for each shape, "
            "since the things of a scene have different colours."
        )
