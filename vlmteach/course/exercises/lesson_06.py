"""Exercises of lesson 06: local against global, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vlmteach.course.exercises.checks import ChoiceCheck, FunctionCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Number
from vlmteach.language import N_


def _cells_reached(dilations: Sequence[int]) -> int:
    """Follow the farthest connection of one block after the other."""
    cell = 0
    for dilation in dilations:
        cell = max(cell + tap * dilation for tap in (-1, 0, 1))
    return cell


_LARGEST = N_("You took the largest dilation. The blocks follow each other, so their reaches add up.")

cells_reached = Exercise(
    number="6.1",
    examine=FunctionCheck(
        right=_cells_reached,
        cases=(((),), ((1,),), ((2,),), ((2, 2),), ((1, 1, 1),), ((1, 2, 4),)),
        result=Number(N_("a number of cells")),
        mistakes=(
            (
                lambda dilations: 2 * sum(dilations) + 1,
                N_("You gave the width of the whole field; the question is how far it goes to one side."),
            ),
            (
                lambda dilations: 2 * sum(dilations),
                N_("You counted both sides; the question is how far it goes to one."),
            ),
            (
                lambda dilations: sum(2 * dilation + 1 for dilation in dilations),
                N_(
                    "You added up how wide each block's kernel is. To one side a block reaches its dilation, and the "
                    "cell in the middle is not counted again."
                ),
            ),
            (
                lambda dilations: 3 * sum(dilations),
                N_("You added three taps for each block. They lie at -1, 0 and +1 dilations: one for each side."),
            ),
            (len, N_("You counted the blocks. A dilated block jumps over cells and reaches farther.")),
            (lambda dilations: max(dilations, default=0), _LARGEST),
            (max, _LARGEST),
            (
                math.prod,
                N_("You multiplied. Each block starts where the one before has reached, so their reaches add up."),
            ),
            (
                lambda dilations: 1 + sum(dilations),
                N_("You counted the token's own cell as well; the question is how many cells *away* it sees."),
            ),
        ),
    ),
    praise=N_(
        "Each block adds its dilation on every side: three plain blocks reach 3 cells, dilations 1, 2, 4 reach 7."
    ),
    hints=(
        N_("One 3×3 block reaches one cell to each side."),
        N_("What a block reaches is added to what was reached before."),
    ),
    answer="""def cells_reached(dilations):
    return sum(dilations)""",
)


def _mean_distance(heat: Tensor, position: tuple[int, int]) -> float:
    """Pixel by pixel, in Python's own numbers."""
    pixels = [
        (row, column, heat[row, column].item()) for row in range(heat.shape[0]) for column in range(heat.shape[1])
    ]
    distances = [math.dist((row, column), position) * weight for row, column, weight in pixels]
    return math.fsum(distances) / math.fsum(weight for _, _, weight in pixels)


def _averaged(average: Callable[[Tensor, Tensor, Tensor], Any]) -> Callable[[Tensor, tuple[int, int]], float]:
    """Another average(heat, row differences, column differences) of the distances."""

    def averaged(heat: Tensor, position: tuple[int, int]) -> float:
        rows = torch.arange(float(heat.shape[0]))[:, None] - position[0]
        columns = torch.arange(float(heat.shape[1]))[None, :] - position[1]
        return float(average(heat, rows, columns))

    return averaged


def _two_spots(height: int, width: int, warm: float = 1.0) -> Tensor:
    """Heat at two pixels, three rows and four columns apart, so that they lie five apart."""
    heat = torch.zeros(height, width)
    heat[0, 0], heat[3, 4] = warm, 3 * warm
    return heat


mean_distance = Exercise(
    number="6.2",
    examine=FunctionCheck(
        right=_mean_distance,
        cases=(
            (_two_spots(4, 5), (0, 0)),
            (_two_spots(4, 5), (3, 4)),
            (_two_spots(8, 10), (0, 4)),
            (_two_spots(4, 5, warm=10), (0, 0)),
        ),
        result=Number(N_("one number, the distance"), close=1e-4),
        mistakes=(
            (
                _averaged(lambda heat, rows, columns: (heat * torch.hypot(rows, columns)).sum()),
                N_("Ten times the heat would give ten times the distance: divide by the sum of the heat."),
            ),
            (
                _averaged(lambda heat, rows, columns: (heat * (rows**2 + columns**2)).sum() / heat.sum()),
                N_("You averaged squared distances; take the root before you average."),
            ),
            (
                _averaged(lambda heat, rows, columns: ((heat * (rows**2 + columns**2)).sum() / heat.sum()) ** 0.5),
                N_("You averaged squared distances and then took the root; take the root of each before you average."),
            ),
            (
                _averaged(lambda heat, rows, columns: (heat * (rows.abs() + columns.abs())).sum() / heat.sum()),
                N_("You added the steps along rows and columns; the distance is a straight line."),
            ),
            (
                _averaged(
                    lambda heat, rows, columns: (heat * torch.maximum(rows.abs(), columns.abs())).sum() / heat.sum()
                ),
                N_(
                    "You took the longer of the two legs, which is how this lesson counts cells; the distance here is "
                    "a straight line."
                ),
            ),
            (
                lambda heat, position: _mean_distance(heat, (position[1], position[0])),
                N_("Rows and columns of the position are exchanged: position is (row, column)."),
            ),
            (
                _averaged(lambda heat, rows, columns: (heat * torch.hypot(rows, columns)).mean()),
                N_("You averaged over all pixels; pixels without heat should not count."),
            ),
            (
                _averaged(lambda heat, rows, columns: torch.hypot(rows, columns)[heat > 0].mean()),
                N_("That is the plain average distance of the hot pixels; weight each by its heat."),
            ),
            (
                _averaged(lambda heat, rows, columns: torch.hypot(rows, columns).mean()),
                N_("That is the average distance of all pixels; weight each by its heat."),
            ),
        ),
        look=N_("Each pixel's distance to the position is weighted by its heat."),
    ),
    praise=N_("This is the number that makes a gradient field and a row of attention comparable."),
    hints=(
        N_("First make a map of distances: torch.hypot of row differences (H, 1) and column differences (1, W)."),
        N_("A weighted mean is the sum of weight times value, divided by the sum of the weights."),
    ),
    answer="""import torch

def mean_distance(heat, position):
    rows = torch.arange(heat.shape[0])[:, None] - position[0]
    columns = torch.arange(heat.shape[1])[None, :] - position[1]
    distance = torch.hypot(rows.float(), columns.float())
    return (heat * distance).sum() / heat.sum()""",
)

_OUTSIDE = N_("It needs no experiment: what lies outside the field cannot reach the token at all.")
_INSIDE = N_("It does not follow from the field: the field is an upper bound, and training might have failed.")

kinds = Exercise(
    number="6.3",
    examine=ChoiceCheck(
        name="kinds",
        key=N_("sentence"),
        words=("theorem", "measurement"),
        right={
            "at distance 5 it is at chance": ("theorem", _OUTSIDE),
            "at distance 2 it is above 0.95": ("measurement", _INSIDE),
            "twice the training would not help at distance 5": ("theorem", _OUTSIDE),
            "distance 3 takes longer to learn than distance 1": ("measurement", _INSIDE),
        },
    ),
    praise=N_("Beyond the field nothing can help; inside it only an experiment can tell."),
    hints=(N_("Three blocks reach three cells. Which sentences follow from that alone?"),),
    answer="""kinds = {
    "at distance 5 it is at chance": "theorem",
    "at distance 2 it is above 0.95": "measurement",
    "twice the training would not help at distance 5": "theorem",
    "distance 3 takes longer to learn than distance 1": "measurement",
}""",
)
