"""The cases of an exercise tell its mistakes apart: what the check says is then the only thing that fits."""

import itertools

import pytest
from support.answers import answer_cells

from vlmteach.course.exercises.checks import FunctionCheck, NumberCheck

FUNCTIONS = {
    n: cell.exercise.examine for n, cell in answer_cells().items() if type(cell.exercise.examine) is FunctionCheck
}
NUMBERS = {n: cell.exercise.examine for n, cell in answer_cells().items() if type(cell.exercise.examine) is NumberCheck}


def results(check: FunctionCheck, function) -> list:
    return [check._made(function, case) for case in check.cases]


def agree(check: FunctionCheck, one: list, other: list) -> bool:
    return all(map(check._same, one, other))


@pytest.mark.parametrize("number", FUNCTIONS)
def test_no_mistake_is_right_or_another_mistake_in_all_cases(number) -> None:
    check = FUNCTIONS[number]
    right = results(check, check.right)
    made = [(sentence, results(check, mistake)) for mistake, sentence in check.mistakes]
    assert [sentence for sentence, result in made if agree(check, right, result)] == []
    pairs = itertools.combinations(made, 2)
    assert [(a[0], b[0]) for a, b in pairs if a[0] != b[0] and agree(check, a[1], b[1])] == []


@pytest.mark.parametrize("number", FUNCTIONS)
def test_one_case_at_least_shows_a_result_for_each_mistake(number) -> None:
    check = FUNCTIONS[number]
    for mistake, sentence in check.mistakes:
        assert not all(isinstance(result, Exception) for result in results(check, mistake)), sentence
