import pytest

from vlmteach.course.exercises import Exercise, Wrong


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
