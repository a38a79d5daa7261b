"""Exercises of lesson 05: local against global, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vlmteach.course.exercises.exercise import Exercise, Wrong


def _examine_cells_reached(cells_reached: Callable[[Sequence[int]], int]) -> None:
    # counted by hand: each block adds its dilation to what is seen on either side
    for dilations, cells in [((1,), 1), ((1, 1, 1), 3), ((1, 2, 4), 7), ((2, 2), 4), ((), 0)]:
        reached = cells_reached(dilations)
        if reached == cells:
            continue
        case = f"For dilations {dilations}"
        if reached == 2 * cells + 1:
            raise Wrong(f"{case} you gave the width of the whole field; the question is how far it goes to one side.")
        if reached == len(dilations):
            raise Wrong(f"{case} you counted the blocks. A dilated block jumps over cells and reaches farther.")
        if reached == max(dilations, default=0):
            raise Wrong(f"{case} you took the largest dilation. The blocks follow each other, so their reaches add up.")
        raise Wrong(f"{case} you gave {reached!r}; expected {cells}.")


cells_reached = Exercise(
    number="5.1",
    examine=_examine_cells_reached,
    praise="Each block adds its dilation on every side: three plain blocks reach 3 cells, dilations 1, 2, 4 reach 7.",
    hints=("One 3×3 block reaches one cell to each side.", "What a block reaches is added to what was reached before."),
    answer="""def cells_reached(dilations):
    return sum(dilations)""",
)


def _examine_mean_distance(mean_distance: Callable[[Tensor, tuple[int, int]], Tensor]) -> None:
    heat = torch.zeros(8, 10)
    heat[0, 0], heat[3, 4] = 1.0, 3.0
    # from (0, 0): 1 at distance 0 and 3 at distance 5; from (3, 4): 1 at distance 5 and 3 at distance 0
    for position, expected in [((0, 0), 3.75), ((3, 4), 1.25), ((0, 4), (4 * 1 + 3 * 3) / 4)]:
        distance = float(mean_distance(heat.clone(), position))
        if abs(distance - expected) < 1e-4:
            continue
        raise Wrong(_name_distance_mistake(distance, expected, heat, position))
    if abs(float(mean_distance(heat * 10, (0, 0))) - 3.75) > 1e-4:
        raise Wrong("Ten times the heat gave another distance; divide by the sum of the heat.")


def _name_distance_mistake(distance: float, expected: float, heat: Tensor, position: tuple[int, int]) -> str:
    case = f"From {position} you gave {distance:.2f}; expected {expected:.2f}."
    rows = torch.arange(8.0)[:, None] - position[0]
    columns = torch.arange(10.0)[None, :] - position[1]
    known = {
        "Divide by the sum of the heat.": (heat * torch.hypot(rows, columns)).sum(),
        "You averaged squared distances; take the root before you average.": (heat * (rows**2 + columns**2)).sum() / 4,
        "You added the steps along rows and columns; the distance is a straight line.": (
            heat * (rows.abs() + columns.abs())
        ).sum()
        / 4,
        "You averaged over all pixels; those without heat should not count.": (
            heat * torch.hypot(rows, columns)
        ).mean(),
        "That is the plain average distance of the hot pixels; weigh each by its heat.": torch.hypot(rows, columns)[
            heat > 0
        ].mean(),
    }
    for sentence, value in known.items():
        if abs(distance - float(value)) < 1e-4:
            return f"{case} {sentence}"
    return f"{case} Each pixel's distance to the position counts as much as its heat."


mean_distance = Exercise(
    number="5.2",
    examine=_examine_mean_distance,
    praise="This is the number that makes a gradient field and a row of attention comparable.",
    hints=(
        "Make a map of distances first: torch.hypot of row differences (H, 1) and column differences (1, W).",
        "A weighted mean is the sum of weight times value, divided by the sum of the weights.",
    ),
    answer="""import torch

def mean_distance(heat, position):
    rows = torch.arange(heat.shape[0])[:, None] - position[0]
    columns = torch.arange(heat.shape[1])[None, :] - position[1]
    distance = torch.hypot(rows.float(), columns.float())
    return (heat * distance).sum() / heat.sum()""",
)

KINDS = {
    "at distance 5 it is at chance": "theorem",
    "at distance 2 it is above 0.95": "measurement",
    "twice the training would not help at distance 5": "theorem",
    "distance 3 takes longer to learn than distance 1": "measurement",
}


def _examine_kinds(kinds: dict[str, object]) -> None:
    if not isinstance(kinds, dict) or set(kinds) != set(KINDS):
        raise Wrong("Keep the dictionary with its four sentences, and put a word behind each.")
    if all(kind is None for kind in kinds.values()):
        raise NotImplementedError
    for sentence, kind in kinds.items():
        if kind not in ("theorem", "measurement"):
            raise Wrong(f"Behind {sentence!r} stands {kind!r}; expected 'theorem' or 'measurement'.")
    for sentence, kind in kinds.items():
        if kind == KINDS[sentence]:
            continue
        if KINDS[sentence] == "theorem":
            raise Wrong(f"{sentence!r} needs no experiment: what lies outside the field cannot reach the token at all.")
        raise Wrong(
            f"{sentence!r} does not follow from the field: the field is an upper bound, and training might have failed."
        )


kinds = Exercise(
    number="5.3",
    examine=_examine_kinds,
    praise="Beyond the field nothing can help; inside it only an experiment can tell.",
    hints=("Three blocks reach three cells. Which sentences follow from that alone?",),
    answer="""kinds = {
    "at distance 5 it is at chance": "theorem",
    "at distance 2 it is above 0.95": "measurement",
    "twice the training would not help at distance 5": "theorem",
    "distance 3 takes longer to learn than distance 1": "measurement",
}""",
)
