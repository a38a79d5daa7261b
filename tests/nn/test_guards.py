"""Formulas stand in front in nn: what guards them is a quarter of their lines at most."""

import textwrap

import pytest
from support.guards import Count, count, counts

BOUND = 0.25  # simple_vit.py and minGPT's model.py have two asserts each


def test_guards_are_at_most_a_quarter_of_the_formulas_over_all_of_nn():
    found = counts().values()
    assert sum(each.guard for each in found) <= BOUND * sum(each.formula for each in found)


def test_no_file_that_a_student_reads_holds_more_guards_than_a_third_of_its_formulas():
    much = {name for name, each in counts().items() if each.guard > each.formula / 3}
    assert much <= {"checks.py", "connectors/prefix.py"}  # three short functions that are called by hand


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1\n\n# a comment\nimport torch\n", Count(1, 0)),
        ('def f(x):\n    """What."""\n    return x\n', Count(2, 0)),
        (
            "def f(x):\n    if x < 1:\n        raise ValueError(\n            'no'\n        )\n    return x\n",
            Count(2, 4),
        ),
        ("def f(x):\n    check_shape(\n        x\n    )\n    checks.check_it(x)\n    return x\n", Count(2, 4)),
        ("def check_it(x):\n    y = x\n    assert y\n", Count(0, 3)),
        ("class C:\n    x: int\n    def __post_init__(self):\n        pass\n", Count(2, 2)),
        ("def f(x):\n    if x:\n        return 1\n    raise ValueError\n", Count(3, 1)),
    ],
)
def test_what_counts_as_what(code, expected):
    assert count(textwrap.dedent(code)) == expected
