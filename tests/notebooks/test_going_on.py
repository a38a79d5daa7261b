"""Going on in the middle of a lesson: in a fresh kernel what is missing is missed at once, or with a sentence; in one
that ran it all, any cell can be run again.
"""

from __future__ import annotations

import pytest
from support.cells import code_cells, contested, names_of

from vlmteach.course import LESSONS

# A notebook has these names anyway.
GIVEN = {"display", "get_ipython"}


def first_miss(cells: list[str]) -> tuple[int, bool]:
    """How many of the cells run before a name is missing, and whether the course was imported by then.

    It is the course that says the sentence. Cells that miss nothing: (their number, True).
    """
    made, imported = set(GIVEN), False
    for number, source in enumerate(cells):
        makes, needs = names_of(source)
        imported = imported or "vlmteach" in source
        if needs - made:
            return number, imported
        made |= makes
    return len(cells), True


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_name_error_without_a_sentence_comes_at_most_one_cell_after_where_one_went_on(lesson) -> None:
    _, *cells = code_cells(lesson)
    misses = [first_miss(cells[start:]) for start in range(len(cells))]
    assert max((late for late, told in misses if not told), default=0) <= 1
    assert sum(told for _, told in misses) > len(cells) / 4


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["x = 1", "print(x)"], (2, True)),
        (["print(x)"], (0, False)),
        (["x = 1", "def f():\n    return y", "print(x, z)"], (2, False)),
        (["import vlmteach", "print(x)"], (1, True)),
        (["import vlmteach\nprint(x)"], (0, True)),
        (["for i in range(3):\n    display(i)"], (1, True)),
    ],
)
def test_the_first_missing_name_by_hand(cells, expected) -> None:
    assert first_miss(cells) == expected


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_no_cell_takes_a_name_that_several_cells_make(lesson) -> None:
    """Else a cell that is run again meets what a later one left under that name."""
    _, *cells = code_cells(lesson)
    assert contested(cells) == set()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["x = 1", "print(x)", "x = 2"], {"x"}),
        (["x = 1", "y = 2", "print(x, y)"], set()),
        (["x = 1", "def x():\n    pass", "x()"], {"x"}),
        (["x = 1", "def f():\n    return x", "x = 2"], {"x"}),
        (["x = 1", "f = lambda: [x for _ in 'ab']", "x = 2"], {"x"}),
        (["for x in 'ab':\n    print(x)", "for x in 'cd':\n    print(x)"], set()),
        (["x = [1]", "x += [2]", "print(x)"], {"x"}),
        (["x = [1]\nx += [2]", "print(x)"], set()),
        (["x = 1", "if not x:\n    x = 2", "print(x)"], set()),
        (["x = 1", "try:\n    f = x\nexcept ValueError:\n    x = 2", "print(x)"], set()),
        (["x = 1", "try:\n    x = 2\nexcept ValueError:\n    pass", "print(x)"], {"x"}),
    ],
)
def test_contested_names_by_hand(cells, expected) -> None:
    assert contested(cells) == expected
