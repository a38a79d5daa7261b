"""One scene as an object that a person builds, thing by thing or in words, to draw it and to ask about it.

"red circle at row 1, column 4; blue square at row 3, column 2" is a scene. Random scenes come many at once and as
numbers, see scenes.py; any of them can be turned into such an object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral
from typing import Self

import numpy as np
from torch import Tensor

from vlmteach.pictures.look import CELL, COLOURS
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.sampling import CELLS, MOST_CELLS, SHAPES, SIZES, Scenes

EXAMPLE = "red circle at row 1, column 4"
_THING = re.compile(r"(?:an? |the )?(\S+) (\S+) at row (-?[0-9]+)(?:,| and|) ?column (-?[0-9]+)\.?")


@dataclass(frozen=True)
class Thing:
    """One thing of a scene, and its cell: rows from the top and columns from the left, both counted from 1.

    shape: one of SHAPES. colour: one of COLOURS. size: 5 to 7 pixels.
    down, right: pixels between the thing and the upper left corner of its cell of 8 x 8 pixels.
    Raises ValueError for anything that cannot be drawn; for an unknown word it names the nearest known ones.
    """

    shape: str
    colour: str
    row: int
    column: int
    size: int = 6
    down: int = 1
    right: int = 1

    def __post_init__(self) -> None:
        check_word("shape", self.shape, SHAPES)
        check_word("colour", self.colour, COLOURS)
        for name in ("row", "column"):
            number = getattr(self, name)
            if not _is_whole(number) or number < 1:
                raise ValueError(f"the {name} of the {self.name} is {number!r}; expected a whole number from 1 on.")
        if not _is_whole(self.size) or self.size not in SIZES:
            raise ValueError(
                f"the size of the {self.name} is {self.size!r}; expected {SIZES[0]} to {SIZES[-1]} whole pixels."
            )
        for name in ("down", "right"):
            number = getattr(self, name)
            if not _is_whole(number) or not 0 <= number <= CELL - self.size:
                raise ValueError(
                    f"{name} of the {self.name} is {number!r}; expected 0 to {CELL - self.size} whole pixels, "
                    f"so that {self.size} of them fit into a cell of {CELL}."
                )

    @property
    def name(self) -> str:
        """What it is, without its place: "red circle"."""
        return f"{self.colour} {self.shape}"

    def __str__(self) -> str:
        """What it is and where, as Scene.parse reads it; its size and its place within the cell are left out."""
        return f"{self.name} at row {self.row}, column {self.column}"


@dataclass(frozen=True)
class Scene:
    """Things on a board of cells x cells cells, 8 pixels each.

    things: at least one, each in a cell of its own. Two may have the same colour: they can be drawn, but a question
    that names this colour has no answer. cells: 1 to 8; random scenes have 6 unless told otherwise.
    Raises ValueError for no things, a thing outside, two things in one cell, and a board that is too large.
    """

    things: tuple[Thing, ...]
    cells: int = CELLS

    def __post_init__(self) -> None:
        object.__setattr__(self, "things", _as_things(self.things))
        if not _is_whole(self.cells) or not 1 <= self.cells <= MOST_CELLS:
            raise ValueError(f"cells is {self.cells!r}; expected a whole number from 1 to {MOST_CELLS}.")
        at: dict[tuple[int, int], Thing] = {}
        for thing in self.things:
            if max(thing.row, thing.column) > self.cells:
                raise ValueError(f"the {thing} is outside: this board has {self.cells} rows and {self.cells} columns.")
            there = at.setdefault((thing.row, thing.column), thing)
            if there is not thing:
                raise ValueError(
                    f"the {there.name} and the {thing.name} are both at row {thing.row}, column {thing.column}; "
                    "expected one thing to a cell. Move one of them."
                )

    def __str__(self) -> str:
        return "; ".join(map(str, self.things))

    @classmethod
    def parse(cls, text: str, cells: int = CELLS) -> Self:
        """A scene from words: "red circle at row 1, column 4; blue square at row 3, column 2".

        Things are separated by semicolons or new lines. Raises ValueError for words that do not describe a scene.
        """
        parts = [" ".join(part.lower().split()) for part in re.split(r"[;\n]", text)]
        return cls(tuple(_read(part) for part in parts if part), cells)

    @classmethod
    def from_batch(cls, scenes: Scenes, index: int) -> Self:
        """One of many scenes, drawn and answered just as there. Raises ValueError for an index that there is not."""
        if not 0 <= index < len(scenes):
            raise ValueError(
                f"index is {index}; expected 0 to {len(scenes) - 1}, since there are {len(scenes)} scenes."
            )
        columns = (scenes.shape, scenes.colour, scenes.row, scenes.column, scenes.size, scenes.down, scenes.right)
        things = [
            Thing(SHAPES[shape], COLOURS[colour], row + 1, column + 1, size, down, right)
            for shape, colour, row, column, size, down, right in zip(*(c[index].tolist() for c in columns), strict=True)
        ]
        return cls(tuple(things), scenes.cells)

    def as_batch(self) -> Scenes:
        """The same as a batch of one, for what works on many scenes."""
        numbers = [
            (SHAPES.index(t.shape), COLOURS.index(t.colour), t.row - 1, t.column - 1, t.size, t.down, t.right)
            for t in self.things
        ]
        shape, colour, row, column, size, down, right = np.array(numbers, dtype=np.int64).T[:, None]
        return Scenes(shape, colour, row, column, size, down, right, self.cells)


def draw_scene(scene: Scene) -> Tensor:
    """The picture of one scene: (3, 8 * cells, 8 * cells), float32 in [0, 1], its background constant."""
    return draw_scenes(scene.as_batch())[0]


def check_word(kind: str, word: str, known: Sequence[str]) -> None:
    """Raise ValueError unless the word is known; the sentence suggests the nearest known one."""
    if word not in known:
        near = get_close_matches(str(word).lower(), known, n=1)
        suggestion = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"there is no {kind} {word!r}; expected one of {', '.join(known)}.{suggestion}")


def _as_things(things: object) -> tuple[Thing, ...]:
    if isinstance(things, Thing) or not isinstance(things, Sequence) or not all(isinstance(t, Thing) for t in things):
        raise TypeError(f"things is {things!r}; expected a list or tuple of Thing. Scene.parse reads words.")
    if not things:
        raise ValueError(f'a scene needs at least one thing; expected for instance "{EXAMPLE}".')
    return tuple(things)


def _read(part: str) -> Thing:
    """One thing from words in lower case with single spaces."""
    found = _THING.fullmatch(part)
    if found is None:
        raise ValueError(f'"{part}" does not describe a thing; expected for instance "{EXAMPLE}".')
    colour, shape, row, column = found.groups()
    return Thing(shape, colour, int(row), int(column))


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)
