import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vlmteach.course.exercises import Exercise, Wrong
from vlmteach.course.exercises.exercise import NotThis, as_number


def examine_double(double) -> None:
    for number in (0, 1, 5):
        if double(number) == number**2 and number == 5:
            raise Wrong("That is the square.")
        if double(number) != 2 * number:
            raise Wrong(f"double({number}) should be {2 * number}.")


EXERCISE = Exercise("9.1", examine_double, "Well done.", ("Add it to itself.",), "def double(x):\n    return x + x")


def unfinished(number):
    raise NotImplementedError


def crashing(number):
    broken = number / 0
    return broken


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (None, "not attempted", "exercise 9.1"),
        (..., "not attempted", "exercise 9.1"),
        (unfinished, "not attempted", "exercise 9.1"),
        (lambda x: 2 * x, "right", "Well done."),
        (lambda x: 3 * x, "wrong", "double(1) should be 2."),
        (lambda x: x + 5 * (x == 5) + x * (x == 1), "right", "Well done."),
        (crashing, "raised", "`broken = number / 0`: ZeroDivisionError: division by zero"),
        (7, "raised", "TypeError: 'int' object is not callable"),
    ],
)
def test_an_answer_has_one_of_four_outcomes(answer, outcome, words) -> None:
    verdict = EXERCISE.check(answer)
    assert verdict.outcome == outcome
    assert words in verdict.why
    assert repr(verdict).startswith(outcome.capitalize() + ". ")


def test_a_verdict_names_no_path_so_that_it_is_the_same_everywhere() -> None:
    assert "/" not in EXERCISE.check(crashing).why.replace("number / 0", "")


def test_hints_and_solution_are_printed(capsys) -> None:
    EXERCISE.hint()
    EXERCISE.solution()
    assert capsys.readouterr().out == "Hint 1 of 1: Add it to itself.\ndef double(x):\n    return x + x\n"


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_hint_that_does_not_exist_is_refused(number) -> None:
    with pytest.raises(ValueError, match="hints 1 to 1"):
        EXERCISE.hint(number)


@pytest.mark.parametrize(
    "answer",
    [
        240,
        240.0,
        np.int64(240),
        np.float32(240),
        np.array(240),
        np.array([[240]]),
        torch.tensor(240),
        torch.ones(1) * 240,
    ],
)
def test_a_number_may_come_from_anywhere(answer) -> None:
    number = as_number(answer, "a number of tokens")
    assert number == 240
    assert type(number) in (int, float)


@pytest.mark.parametrize(
    "answer",
    [
        True,
        np.True_,
        np.array([True]),
        torch.tensor(True),
        "240",
        240j,
        [240],
        np.zeros(2),
        torch.zeros(2),
        torch.zeros(0),
    ],
)
def test_what_is_no_number_is_wrong(answer) -> None:
    with pytest.raises(Wrong, match=rf"a {type(answer).__name__}; expected a number of tokens\."):
        as_number(answer, "a number of tokens")


def test_a_function_that_is_ruled_out_is_noticed_wherever_it_is_called() -> None:
    picture, sentences = torch.ones(1, 3, 4, 4), {"conv2d": "Not by a convolution."}
    with pytest.raises(Wrong, match="Not by a convolution"), NotThis(sentences):
        torch.nn.Conv2d(3, 2, 2)(picture)
    with NotThis(sentences):
        F.unfold(picture, 2) @ torch.ones(9, 1)
    F.conv2d(picture, torch.ones(2, 3, 2, 2))  # behind the block all is allowed again


def test_an_error_of_the_student_comes_before_a_function_that_is_ruled_out() -> None:
    with pytest.raises(ZeroDivisionError), NotThis({"sigmoid": "No."}):
        crashing(torch.zeros(1).sigmoid().item())
