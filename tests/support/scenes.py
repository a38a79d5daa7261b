"""Scenes in words and cells, for tests that look at them one by one."""

from __future__ import annotations

import numpy as np

from vlmteach.pictures.look import CELL
from vlmteach.pictures.scenes.questions import VOCABULARY
from vlmteach.pictures.scenes.sampling import Scenes


def sentence(numbers) -> str:
    """Word numbers as a question, padding left out."""
    return " ".join(VOCABULARY[number] for number in numbers if number)


def places(scenes: Scenes) -> np.ndarray:
    """(B, K): the cells of the things, counted row by row."""
    return scenes.row * scenes.cells + scenes.column


def distance(scenes: Scenes, first: int, second: int, around: bool = False) -> np.ndarray:
    """(B,): the longer leg between two things in cells; around: also across the borders of the board."""
    legs = [abs(part[:, first] - part[:, second]) for part in (scenes.row, scenes.column)]
    if around:
        legs = [np.minimum(leg, scenes.cells - leg) for leg in legs]
    return np.maximum(*legs)


def cells_of(pictures, cells: int) -> np.ndarray:
    """(B, cells, cells, 3, 8, 8): the pictures cut into cells."""
    grid = pictures.unflatten(3, (cells, CELL)).unflatten(2, (cells, CELL))
    return grid.permute(0, 2, 4, 1, 3, 5).numpy()


def unevenness(counts: np.ndarray) -> float:
    """How many standard deviations the chi-square of counts that should be equal lies above its mean."""
    expected = counts.sum() / len(counts)
    freedom = len(counts) - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / (2 * freedom) ** 0.5)
