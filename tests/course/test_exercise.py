import math
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.answers import run_cell
from torch import nn

from vlmteach.course.exercises import Exercise, NotRight, Wrong
from vlmteach.course.exercises.checks import ChoiceCheck, FunctionCheck, NumberCheck
from vlmteach.course.exercises.reading import as_mask, as_number, as_numbers, as_tensor
from vlmteach.course.exercises.results import Number, Values
from vlmteach.course.exercises.ruled_out import RuledOut
from vlmteach.course.exercises.student import Student, same

DOUBLE = FunctionCheck(
    right=lambda number: 2 * number,
    cases=((0,), (1,), (2,), (5,)),
    result=Number("a number"),
    mistakes=(
        (lambda number: number**2, "That is the square."),
        (lambda number: [2, 4, 6][number], "You looked it up in a list, one too far."),
    ),
    look="Add it to itself.",
)
EXERCISE = Exercise("9.1", DOUBLE, "Well done.", ("Add it to itself.",), "def double(number):\n    return 2 * number")


def unfinished(number):
    """What is to be done."""
    raise NotImplementedError("your code here")


def half_finished(number):
    twice = 2 * number
    raise NotImplementedError("your code here")
    return twice


def crashing(number):
    broken = number / 0
    return broken


def not_implemented_by_torch(number):
    return torch.zeros(2, dtype=torch.int64).softmax(0)


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (None, "not attempted", "exercise 9.1"),
        (..., "not attempted", "exercise 9.1"),
        (unfinished, "not attempted", "exercise 9.1"),
        (half_finished, "wrong", "still raises NotImplementedError: remove the line"),
        (lambda x: 2 * x, "right", "Well done."),
        (lambda x: 3 * x, "wrong", "For number = 1: you gave 3; expected 2. Add it to itself."),
        (lambda x: x * x, "wrong", "That is the square."),
        (lambda x: x * x if x < 5 else 24, "wrong", "For number = 1: you gave 1; expected 2."),
        (lambda x: [2, 4, 6][x], "wrong", "one too far"),
        (lambda x: [2, 4, 6, 8][x], "wrong", "one too far"),
        (lambda x: [2, 4, 7][x], "wrong", "For number = 0: you gave 2; expected 0."),
        (crashing, "raised", "`broken = number / 0`, for number = 0: ZeroDivisionError: division by zero"),
        (not_implemented_by_torch, "raised", 'for number = 0: NotImplementedError: "softmax'),
        (7, "wrong", "Give the function itself, without calling it"),
        (dict, "wrong", "You gave the class dict. Give an object of it: dict()."),
        (lambda: 7, "wrong", "Your function takes (); it is called with (number)."),
        (lambda x: (x, x), "wrong", "For number = 0: your function returned a tuple of 2"),
        (lambda x: 2 * x if x < 5 else None, "wrong", "For number = 5: your function returned None: did you print"),
        (lambda x: exit(1), "raised", "for number = 0: SystemExit: 1"),
        (lambda x: print(x), "wrong", "Your function returned None: did you print instead of return?"),
    ],
)
def test_an_answer_has_an_outcome_and_a_sentence(answer, outcome, words) -> None:
    verdict = EXERCISE.check(answer)
    assert verdict.outcome == outcome
    assert words in verdict.why
    assert repr(verdict).startswith(outcome.capitalize() + ". ")


def test_a_list_that_is_too_short_is_no_mistake_of_ours_when_it_raises_elsewhere() -> None:
    """The mistake raises for 5 alone; who raises for 2 as well has made another one."""
    verdict = EXERCISE.check(lambda x: [2, 4][x])
    assert verdict.why.startswith("For number = 0: you gave 2; expected 0.")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("    raise NotImplementedError", "not attempted"),
        ("    'What it does.'\n    raise NotImplementedError", "not attempted"),
        ("    raise NotImplementedError\n    return 2 * number", "wrong"),
        ("    twice = 2 * number\n    raise NotImplementedError", "wrong"),
        ("    if number == 5:\n        raise NotImplementedError\n    return 2 * number", "wrong"),
        ("    return 2 * number\n    raise NotImplementedError", "right"),
    ],
)
def test_a_stub_is_told_from_code_with_a_left_over_raise(body, outcome) -> None:
    assert EXERCISE.check(run_cell(f"def double(number):\n{body}")["double"]).outcome == outcome


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("raise NotImplementedError('your code here')", "not attempted"),
        ("twice = 2 * number; raise NotImplementedError", "wrong"),
        ("number = abs(number); raise NotImplementedError", "wrong"),
    ],
)
def test_so_it_is_where_no_source_can_be_found(body, outcome) -> None:
    made: dict = {}
    exec(f"def double(number): {body}", made)
    assert EXERCISE.check(made["double"]).outcome == outcome


def test_another_function_that_is_not_written_yet_is_an_error_of_the_answer() -> None:
    helper = run_cell("def helper(number):\n    raise NotImplementedError('your code here')")["helper"]
    answer = run_cell("def make(helper):\n    def double(number):\n        return helper(number)\n    return double")
    verdict = EXERCISE.check(answer["make"](helper))
    assert verdict.why == (
        "In line 3 of your cell, `return helper(number)`, for number = 0: NotImplementedError: your code here"
    )


def test_a_line_of_a_library_is_not_called_the_students() -> None:
    assert EXERCISE.check(nn.Linear(2, 2)).why.startswith("For number = 0: TypeError: ")


def test_a_verdict_names_no_path_so_that_it_is_the_same_everywhere() -> None:
    assert "/" not in EXERCISE.check(crashing).why.replace("number / 0", "")


def warning(number):
    warnings.warn("twice\nas old", stacklevel=1)
    return 2 * number


def test_warnings_of_the_students_code_stand_beside_the_verdict_and_change_nothing(recwarn) -> None:
    verdict = EXERCISE.check(warning)
    assert (verdict.outcome, verdict.warned) == ("right", ("UserWarning: twice as old",))  # one of four calls
    assert repr(verdict) == "Right. Well done."
    tensor = torch.ones(1)
    (copied,) = EXERCISE.check(lambda x: torch.tensor(tensor).item() * 3 * x).warned
    assert copied.startswith("UserWarning: To copy construct from a tensor")
    assert len(recwarn) == 0


def test_warnings_of_the_check_itself_are_not_the_students() -> None:
    check = replace(DOUBLE, right=lambda number: (warnings.warn("ours", stacklevel=1), 2 * number)[1])
    assert replace(EXERCISE, examine=check).check(lambda number: 2 * number).warned == ()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: 2 * x, "Right. Well done.\n"),
        (warning, "Right. Well done.\nYour code warned: UserWarning: twice as old\n"),
    ],
)
def test_or_raise_says_the_verdict_of_a_right_answer_and_what_it_warned_of(capsys, answer, said) -> None:
    assert EXERCISE.check(answer).or_raise() is None
    assert capsys.readouterr() == (said, "")


@pytest.mark.parametrize("answer", [None, unfinished, half_finished, crashing, lambda x: x * x, 7])
def test_or_raise_raises_the_sentence_of_every_other_one(capsys, answer) -> None:
    verdict = EXERCISE.check(answer)
    with pytest.raises(NotRight, match=re.escape(repr(verdict))) as raised:
        verdict.or_raise()
    assert isinstance(raised.value, AssertionError)
    assert capsys.readouterr() == ("", "")


def test_or_raise_lets_an_opinion_pass(capsys) -> None:
    replace(EXERCISE, answer="").check(lambda x: 2 * x).or_raise()
    assert capsys.readouterr().out == "Noted. Well done.\n"


def test_an_object_that_cannot_be_read_gets_a_sentence() -> None:
    class Hostile(dict):
        def __contains__(self, key):
            raise OSError("no\nkeys")

    check = ChoiceCheck("words", "key", ("yes", "no"), {"a": ("yes", "It is.")})
    verdict = Exercise("9.2", check, "", (), "words = {'a': 'yes'}").check(Hostile())
    assert repr(verdict) == "Raised. Your answer, a Hostile, cannot be read: OSError: no keys"


def test_hints_and_solution_are_printed(capsys) -> None:
    EXERCISE.hint()
    EXERCISE.solution()
    assert capsys.readouterr().out == "Hint 1 of 1: Add it to itself.\ndef double(number):\n    return 2 * number\n"


def test_an_opinion_is_noted_and_has_no_solution(capsys) -> None:
    opinion = Exercise("9.3", ChoiceCheck("opinions", "claim", ("true", "false"), {"a": None}), "Thanks.", ())
    assert repr(opinion.check({"a": "TRUE"})) == "Noted. Thanks."
    opinion.solution()
    assert capsys.readouterr().out == "Exercise 9.3 asks for your opinion: no answer is right or wrong.\n"


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_hint_that_does_not_exist_is_refused(number) -> None:
    with pytest.raises(ValueError, match="hints 1 to 1"):
        EXERCISE.hint(number)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (10.0004, None),
        (9.9, "9.9 is not it. Count."),
        (20, "Twice."),
        (21, "Nearly twice."),
        (20.0009, "Twice."),
        (math.nan, "nan is not it"),
    ],
)
def test_a_number_is_right_known_or_neither(answer, words) -> None:
    check = NumberCheck(10, "a number", {20: "Twice.", 20.5: "Far.", 21: "Nearly twice."}, "Count.")
    if words is None:
        return check(answer)
    with pytest.raises(Wrong, match=words):
        check(answer)


def test_the_nearest_known_number_speaks() -> None:
    check = NumberCheck(10, "a number", {20: "Twice.", 20.5: "Far."}, "Count.", close=0.5)
    with pytest.raises(Wrong, match="Far"):
        check(20.4)


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
        [240],
        ([240.0],),
    ],
)
def test_a_number_may_come_from_anywhere(answer) -> None:
    number = as_number(answer, "a number of tokens")
    assert number == 240
    assert type(number) in (int, float)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (True, "a bool"),
        (np.True_, "a bool"),
        (np.array([True]), "a ndarray of shape (1,)"),
        (torch.tensor(True), "a Tensor of shape ()"),
        ("240", "a str"),
        (240j, "a complex"),
        ([240, 1], "a list of 2"),
        ({240: 1}, "a dict of 1"),
        (np.zeros(2), "a ndarray of shape (2,)"),
        (torch.zeros(0), "a Tensor of shape (0,)"),
        (len, "a builtin_function_or_method"),
        (10**400, "an int"),
    ],
)
def test_what_is_no_number_is_wrong(answer, kind) -> None:
    with pytest.raises(Wrong) as refused:
        as_number(answer, "a number of tokens")
    assert str(refused.value) == f"Your answer is {kind}; expected a number of tokens."


@pytest.mark.parametrize(
    "answer", [(1, 2), [1.0, 2], np.array([1, 2]), torch.tensor([[1, 2]]), (x for x in (1, 2)), range(1, 3)]
)
def test_a_few_numbers_may_come_from_anything_that_has_an_order(answer) -> None:
    assert as_numbers(answer, ("a", "b")) == (1, 2)


@pytest.mark.parametrize(
    "answer", [{1, 2}, {1: 2, 2: 3}, "12", b"12", 1, (1,), (1, 2, 3), torch.tensor(1), ((1, 2), 3)]
)
def test_what_has_none_or_another_count_is_wrong(answer) -> None:
    with pytest.raises(Wrong, match="expected"):
        as_numbers(answer, ("a", "b"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.int64, torch.bool])
def test_a_tensor_is_read_from_lists_arrays_and_tensors_alike(dtype) -> None:
    tensor = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)
    for answer in (
        tensor,
        tensor.numpy(),
        tensor.tolist(),
        tuple(tensor),
        [row.numpy() for row in tensor],
        iter(tensor),
    ):
        assert torch.equal(as_tensor(answer, "a tensor").to(dtype), tensor)


def test_a_mask_of_numbers_is_refused_however_it_comes() -> None:
    for answer in (torch.ones(2, 2), np.ones((2, 2), dtype=int), [[1, 0], [1, 1]]):
        with pytest.raises(Wrong, match=r"expected True and False \(torch.bool\)"):
            as_mask(answer)


@pytest.mark.parametrize(
    ("got", "equal"),
    [
        (torch.tensor([1.0, 2.0]), True),
        (torch.tensor([1.0, 2.0 + 1e-6]), True),
        (torch.tensor([1.0, 2.01]), False),
        (torch.tensor([1.0, 2.001]).half(), True),
        (torch.tensor([1.0, 2.1]).half(), False),
        (torch.tensor([1.0, torch.nan]), False),
        (torch.tensor([[1.0, 2.0]]), False),
        (torch.tensor([1, 2]), True),
    ],
)
def test_values_may_differ_by_the_rounding_of_their_type(got, equal) -> None:
    assert Values("(N,)").same(got, torch.tensor([1.0, 2.0])) == equal


def test_exact_values_may_not_differ_at_all() -> None:
    third = torch.tensor([1 / 3])
    assert Values("(N,)", exact=True).same(third.double(), third)
    assert not Values("(N,)", exact=True).same(third.half(), third)


def test_same_compares_what_equals_alone_cannot() -> None:
    assert same([np.ones(2), {"a": torch.ones(2)}], [np.ones(2), {"a": torch.ones(2)}])
    assert not same([np.ones(2)], [np.zeros(2)])
    assert not same([1, 2], (1, 2))
    assert not same(torch.ones(2), torch.ones(2).double())
    with pytest.raises(ValueError, match="ambiguous"):
        same(np.ones(2), [1, 1])


RULED_OUT = RuledOut("Not by a convolution.", torch="conv(?!ert)", packages=["vlmteach.nn", "a_library"])


@pytest.mark.parametrize(
    "answer",
    [
        lambda picture: nn.Conv2d(3, 2, 2)(picture),
        lambda picture: F.conv2d(picture, torch.ones(2, 3, 2, 2)),
        lambda picture: torch.ops.aten.conv2d(picture, torch.ones(2, 3, 2, 2)),
        lambda picture: run_cell("from vlmteach.nn import patchify")["patchify"](picture, 2),
    ],
)
def test_a_function_that_is_ruled_out_is_noticed_by_whatever_way_it_is_called(answer) -> None:
    picture = torch.ones(1, 3, 4, 4)
    with pytest.raises(Wrong, match="Not by a convolution"):
        Student(answer, ("picture",), RULED_OUT)(picture)
    assert F.conv2d(picture, torch.ones(2, 3, 2, 2)).shape == (1, 2, 3, 3)  # afterwards all is allowed again


def test_importing_a_package_that_is_ruled_out_is_no_call(monkeypatch, tmp_path) -> None:
    """Its top level may call as many of its functions as it likes."""
    (tmp_path / "a_library.py").write_text("def made(x):\n    return x\n\nCOLOUR = made(1)\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def answer(picture):
        import a_library

        return picture if picture.any() else a_library.made(picture)

    student = Student(answer, ("picture",), RULED_OUT)
    assert student(torch.ones(1)).item() == 1
    with pytest.raises(Wrong, match="Not by"):
        student(torch.zeros(1))


def test_a_package_is_ruled_out_and_not_one_whose_name_begins_alike() -> None:
    mode = RuledOut("No.", packages=["support.answer"])
    assert Student(lambda x: [x, run_cell("y = 1")["y"]][0], ("x",), mode)(torch.ones(1)).item() == 1


def test_what_is_not_ruled_out_may_be_called() -> None:
    student = Student(
        lambda picture: F.unfold(picture, 2).double() @ torch.ones(9, 1).double(), ("picture",), RULED_OUT
    )
    assert student(torch.ones(1, 3, 4, 4)).shape == (1, 12, 1)


def test_an_error_of_the_student_comes_before_a_function_that_is_ruled_out() -> None:
    check = FunctionCheck(lambda x: x, ((torch.zeros(1, 1, 2, 2),),), Values("(1, 1, 1, 1)"), (), ruled_out=RULED_OUT)
    verdict = Exercise("9.4", check, "", (), "…").check(lambda x: F.conv2d(x, x) / crashing(1))
    assert verdict.outcome == "raised"
