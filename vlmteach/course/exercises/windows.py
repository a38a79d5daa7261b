"""Exercise 9.1: whether a function makes a bag of windows, in whatever form: only what == says of two is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vlmteach.course.exercises.checks import FunctionCheck
from vlmteach.course.exercises.exercise import Wrong, told
from vlmteach.course.exercises.reading import kind_of
from vlmteach.course.exercises.student import same
from vlmteach.language import N_, _

Board = list[list[int]]
Window = tuple[int, ...]
Bag = Callable[[Board, int], Any]


@dataclass(frozen=True)
class Pair:
    """Two boards whose bags are compared. what: how they differ, in words; why: why their bags are equal, or differ."""

    what: str
    one: Board
    other: Board
    reach: int
    why: str


def _board(size: int, *things: tuple[int, int, int]) -> Board:
    """A square of cells, 0 where nothing stands; each thing as (what it is, row, column)."""
    board = [[0] * size for _ in range(size)]
    for thing, row, column in things:
        board[row][column] = thing
    return board


_WRAP = N_("The borders wrap: behind the last row comes the first.")
_PAIRS = (
    Pair(
        N_("the same board twice"),
        _board(4, (1, 1, 2)),
        _board(4, (1, 1, 2)),
        1,
        N_("== must find a bag equal to itself; a generator never is, a list, a tuple or a Counter is."),
    ),
    Pair(
        N_("two equal things far apart on one board, and one of them on the other"),
        _board(6, (1, 1, 1), (1, 4, 4)),
        _board(6, (1, 1, 1)),
        1,
        N_("How often a window occurs counts: a set forgets that, a bag does not."),
    ),
    Pair(
        N_("two things side by side on one board, and across a corner on the other"),
        _board(6, (1, 2, 2), (2, 2, 3)),
        _board(6, (1, 2, 2), (2, 3, 3)),
        1,
        N_("A window of reach 1 sees both at once, and how they lie."),
    ),
    Pair(
        N_("two neighbours that change places"),
        _board(6, (1, 2, 2), (2, 2, 3)),
        _board(6, (2, 2, 2), (1, 2, 3)),
        1,
        N_("A window of reach 1 sees both at once, and which is on the left."),
    ),
    Pair(
        N_("two things, two rows and two columns apart, that change places"),
        _board(6, (1, 1, 1), (2, 3, 3)),
        _board(6, (2, 1, 1), (1, 3, 3)),
        1,
        N_("A window of reach 1 is 3 × 3 cells: the one between the two sees both, in its corners."),
    ),
    Pair(
        N_("two far things that change places"),
        _board(8, (1, 2, 2), (2, 5, 5)),
        _board(8, (2, 2, 2), (1, 5, 5)),
        1,
        N_("A bag has no order: sort the windows, or count them."),
    ),
    Pair(N_("a thing that moves from the border to the middle"), _board(6, (1, 0, 3)), _board(6, (1, 3, 3)), 1, _WRAP),
    Pair(
        N_("a thing in the corner that changes places with one in the middle"),
        _board(6, (1, 0, 0), (2, 3, 3)),
        _board(6, (2, 0, 0), (1, 3, 3)),
        1,
        _WRAP,
    ),
    Pair(
        N_("two neighbours on either side of the border that change places"),
        _board(6, (1, 2, 0), (2, 2, 5)),
        _board(6, (2, 2, 0), (1, 2, 5)),
        1,
        N_("The borders wrap: behind the last row comes the first. A window at the border sees both."),
    ),
    Pair(
        N_("two things, two rows and three columns apart, that change places"),
        _board(6, (1, 1, 1), (2, 3, 4)),
        _board(6, (2, 1, 1), (1, 3, 4)),
        2,
        N_("A window of reach 2 goes two cells to every side: those between the two see both."),
    ),
)


@dataclass(frozen=True)
class Equality:
    """Whether two bags are equal."""

    def read(self, result: object) -> bool:
        """It is ours."""
        return bool(result)

    def same(self, one: bool, other: bool) -> bool:
        """Whether both say the same."""
        return one == other

    def differ(self, got: bool, expected: bool, case: Sequence[Pair]) -> str:
        """What the student's bags say, and why they should not."""
        says = N_("your bags are equal with reach {reach}. {why}")
        if not got:
            says = N_("your bags are different with reach {reach}. {why}")
        return _(says, reach=case[0].reach, why=_(case[0].why))


def _bags_equal(bag_of_windows: Bag, pair: Pair) -> bool | None:
    """What == says of the bags of two boards; None when there is no bag."""
    one, other = bag_of_windows(pair.one, pair.reach), bag_of_windows(pair.other, pair.reach)
    if one is None or other is None:
        return None
    try:
        return same(one, other)
    except Exception as error:
        raise Wrong(
            _("Your function returned {kind}, which == cannot compare: {error}", kind=kind_of(one), error=told(error))
        ) from None


def _wrapped(place: int, size: int) -> int:
    return place % size


def _windows(board: Board, reach: int, outside: int = 0, moved: Callable[[int, int], int] = _wrapped) -> list[Window]:
    """The windows in the order of their cells. moved: where a place beyond the border is; outside: what is there."""
    size, steps = len(board), range(-reach, reach + 1)

    def at(row: int, column: int) -> int:
        row, column = moved(row, size), moved(column, size)
        return board[row][column] if 0 <= row < size and 0 <= column < size else outside

    cells = [(row, column) for row in range(size) for column in range(size)]
    return [tuple(at(row + down, column + right) for down in steps for right in steps) for row, column in cells]


def _bag_of_windows(board: Board, reach: int) -> Counter[Window]:
    return Counter(_windows(board, reach))


def _without_border(outside: int) -> Bag:
    """The bag of windows on a board with a border of `outside` around it."""
    return lambda board, reach: Counter(_windows(board, reach, outside, moved=lambda place, size: place))


def _mirrored(place: int, size: int) -> int:
    return size - 1 - abs(size - 1 - abs(place))


def _plus(window: Window) -> Window:
    """The middle row and the middle column of a square window."""
    side = int(len(window) ** 0.5)
    return tuple(cell for place, cell in enumerate(window) if side // 2 in divmod(place, side))


_BORDER = N_(
    "At the border your windows end or see something else. The borders wrap: behind the last row comes the first."
)

bag_check = FunctionCheck(
    right=_bag_of_windows,
    cases=tuple((pair,) for pair in _PAIRS),
    result=Equality(),
    use=_bags_equal,
    describe=lambda pair: _(pair.what),
    mistakes=(
        (_without_border(0), _BORDER),
        (_without_border(-1), _BORDER),
        (
            lambda board, reach: Counter(
                _windows(board, reach, moved=lambda place, size: max(0, min(place, size - 1)))
            ),
            _BORDER,
        ),
        (lambda board, reach: Counter(_windows(board, reach, moved=_mirrored)), _BORDER),
        (
            _windows,
            N_("Your windows stand in the order of their cells. A bag has no order: sort them, or count them."),
        ),
        (
            lambda board, reach: set(_windows(board, reach)),
            N_("You made a set of the windows. It forgets how often each occurs; a bag does not."),
        ),
        (
            lambda board, reach: Counter(_windows(board, 0)),
            N_("You counted single cells. A window holds all cells up to `reach` away."),
        ),
        (
            lambda board, reach: Counter(_windows(board, 1)),
            N_("Your windows have reach 1, whatever `reach` is."),
        ),
        (
            lambda board, reach: Counter(tuple(sorted(window)) for window in _windows(board, reach)),
            N_(
                "You forgot the order inside the windows, too. Only the windows have none; where things stand in a "
                "window counts."
            ),
        ),
        (
            lambda board, reach: Counter(_plus(window) for window in _windows(board, reach)),
            N_("Your windows have no corners. A window is a square: all cells up to `reach` away, both ways at once."),
        ),
    ),
)
