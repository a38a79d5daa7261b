"""Every solution is right in every style that makes sense for it; slips that any function may have are named."""

from __future__ import annotations

import collections
import functools
import inspect
import re
import types
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from support.answers import AnswerCell, answer_cells
from support.variants.lesson_00 import VARIANTS as OPINIONS
from torch import Tensor, nn

from vlmteach.course.exercises.checks import ChoiceCheck, FunctionCheck, NumberCheck
from vlmteach.course.exercises.results import Indices, Mask, Number, Numbers, Values

CELLS = answer_cells()
FUNCTIONS = {number: cell for number, cell in CELLS.items() if f"def {cell.name}(" in cell.stub}


def solution(cell: AnswerCell) -> Any:
    """What the check cell hands over when the exercise is solved."""
    return cell.handed_over(cell.exercise.answer or OPINIONS[cell.exercise.number].right[0])


def names_of(cell: AnswerCell) -> list[str]:
    return list(inspect.signature(solution(cell)).parameters)


def first_case(cell: AnswerCell) -> tuple[Any, ...]:
    """Some inputs of a function."""
    check = cell.exercise.examine
    if cell.exercise.number == "9.1":
        return check.cases[0][0].one, 1
    return check.cases[-1] if isinstance(check, FunctionCheck) else (nn.Linear(1, 1),)


# How a function may be written. Each makes another from the solution and the names of its arguments.


def taking(arguments: str, function: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """The same function with these arguments, written as in a def."""
    made: dict[str, Any] = {"function": function}
    exec(f"def answer({arguments}):\n    return function({', '.join(names)})", made)
    return made["answer"]


class Called:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *inputs: Any) -> Any:
        return self.function(*inputs)

    def method(self, *inputs: Any) -> Any:
        return self.function(*inputs)


class Module(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


WRITTEN = {
    "a lambda": lambda function, names: lambda *inputs: function(*inputs),
    "other names": lambda function, names: taking(
        ", ".join(f"my_{name}" for name in names), function, [f"my_{name}" for name in names]
    ),
    "by place only": lambda function, names: taking(", ".join([*names, "/"]), function, names),
    "by name only": lambda function, names: taking(", ".join(["*", *names[::-1]]), function, names),
    "names in another order": lambda function, names: taking(", ".join(names[::-1]), function, names),
    "any keywords": lambda function, names: lambda **inputs: function(*(inputs[name] for name in names)),
    "a default behind": lambda function, names: lambda *inputs, verbose=False: function(*inputs),
    "a partial": lambda function, names: functools.partial(lambda extra, *inputs: function(*inputs), None),
    "an object with __call__": lambda function, names: Called(function),
    "a method": lambda function, names: Called(function).method,
    "a module": lambda function, names: Module(function),
    "decorated": lambda function, names: functools.wraps(function)(lambda *inputs: function(*inputs)),
}


# In which form a result may come. Each makes another from a result.


def exactly(dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    return lambda result: result.to(dtype) if result.is_floating_point() else result


Four = collections.namedtuple("Four", "a b c d", defaults=(0, 0))

TENSOR_FORMS = {
    "numpy": lambda result: result.numpy(),
    "nested lists": lambda result: result.tolist(),
    "nested tuples": lambda result: tuple(map(tuple, result.tolist())) if result.ndim == 2 else tuple(result.tolist()),
    "a tuple of tensors": tuple,
    "a list of arrays": lambda result: [part.numpy() for part in result],
    "not contiguous": lambda result: torch.stack([result, result], dim=-1)[..., 0],
    "numpy in Fortran's order": lambda result: np.asfortranarray(result.numpy()),
}
REAL_FORMS = {
    "float64": exactly(torch.float64),
    "numpy float64": lambda result: result.numpy().astype(np.float64),
    "with a gradient": lambda result: result.clone().requires_grad_() if result.is_floating_point() else result,
    "a parameter": lambda result: nn.Parameter(result) if result.is_floating_point() else result,
}
NUMBER_FORMS = {
    "float": float,
    "numpy float64": np.float64,
    "numpy float32": np.float32,
    "tensor": lambda result: torch.as_tensor(result, dtype=torch.float32),
    "one-element tensor": lambda result: torch.tensor([float(result)]),
    "numpy scalar array": lambda result: np.array(float(result)),
    "fraction": lambda result: Fraction(float(result)),
    "in a list": lambda result: [float(result)],
    "numpy int64": lambda result: np.int64(int(result)) if float(result).is_integer() else result,
    "int": lambda result: int(result) if float(result).is_integer() else result,
}
NUMBERS_FORMS = {
    "list": list,
    "numpy": np.array,
    "tensor": lambda result: torch.tensor(result),
    "row of a table": lambda result: torch.tensor([result]),
    "float64": lambda result: np.array(result, dtype=float),
    "half": lambda result: torch.tensor(result).half() if max(result) < 2048 else result,
    "generator": lambda result: (number for number in result),
    "floats": lambda result: tuple(map(float, result)),
    "numpy int64": lambda result: tuple(map(np.int64, result)),
    "scalar tensors": lambda result: tuple(map(torch.tensor, result)),
    "namedtuple": lambda result: collections.namedtuple("Box", [f"n{i}" for i in range(len(result))])(*result),
}
BAG_FORMS = {
    "tuple": tuple,
    "numpy": np.array,
    "tensor": lambda result: torch.tensor(result),
    "Counter": collections.Counter,
    "dict": lambda result: dict(collections.Counter(result)),
    "frozenset": lambda result: frozenset(collections.Counter(result).items()),
    "str": str,
    "list of arrays": lambda result: list(map(np.array, result)),
}


def forms_of(cell: AnswerCell) -> Mapping[str, Callable[[Any], Any]]:
    """The forms that make sense for the result of a function."""
    if cell.exercise.number == "9.1":
        return BAG_FORMS
    if cell.exercise.number == "7.3":  # whatever it returns beside changing the layer
        return {"text": lambda result: "done", "a number": lambda result: 1}
    forms: dict[type, Mapping[str, Callable[[Any], Any]]] = {
        Mask: TENSOR_FORMS,
        Values: TENSOR_FORMS | REAL_FORMS,
        Indices: TENSOR_FORMS | REAL_FORMS,
        Number: NUMBER_FORMS,
        Numbers: NUMBERS_FORMS,
    }
    return forms[type(cell.exercise.examine.result)]


def computed_in(dtype: torch.dtype) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def converted(given: Any) -> Any:
        if isinstance(given, dict):
            return {name: converted(value) for name, value in given.items()}
        return given.to(dtype) if isinstance(given, Tensor) and given.is_floating_point() else given

    return lambda function: lambda *inputs: function(*map(converted, inputs))


COMPUTED = [
    (number, dtype)
    for number, cell in FUNCTIONS.items()
    for dtype in (torch.float64, torch.float16)
    if any(isinstance(given, Tensor) and given.is_floating_point() for given in first_case(cell))
    and not (number == "1.1" and dtype == torch.float16)  # nothing may be lost there, and half precision loses
]
FORMS = [(number, form) for number, cell in FUNCTIONS.items() for form in forms_of(cell)]
VALUES = [
    (number, form)
    for number, cell in CELLS.items()
    if isinstance(cell.exercise.examine, NumberCheck)
    for form in NUMBER_FORMS
]
CHOICE_FORMS = {
    "reversed": lambda answer: dict(reversed(answer.items())),
    "OrderedDict": collections.OrderedDict,
    "read only": lambda answer: types.MappingProxyType(dict(answer)),
    "ChainMap": collections.ChainMap,
    "capital letters": lambda answer: {key: str(word).upper() for key, word in answer.items()},
    "capitalised": lambda answer: {key: str(word).capitalize() for key, word in answer.items()},
    "blanks": lambda answer: {key: f" {word}\n" for key, word in answer.items()},
    "numpy": lambda answer: {
        key: np.bool_(word) if isinstance(word, bool) else np.str_(word) for key, word in answer.items()
    },
}
CHOICES = [
    (number, form)
    for number, cell in CELLS.items()
    if isinstance(cell.exercise.examine, ChoiceCheck)
    for form in CHOICE_FORMS
]
ARGUMENT_FORMS = {
    "reversed": CHOICE_FORMS["reversed"],
    "OrderedDict": collections.OrderedDict,
    "read only": CHOICE_FORMS["read only"],
    "ChainMap": collections.ChainMap,
    "a lambda": lambda answer: answer | {"change": lambda records: answer["change"](records)},
    "a partial": lambda answer: answer | {"sentence": functools.partial(answer["sentence"])},
    "numpy in the change": lambda answer: answer | {"change": lambda r: np.bool_(answer["change"](r))},
    "capitals": lambda answer: answer | {"claim": answer["claim"].upper()},
}


def outcome(cell: AnswerCell) -> str:
    return "right" if cell.exercise.answer else "noted"


@pytest.mark.parametrize("style", WRITTEN)
@pytest.mark.parametrize("number", FUNCTIONS)
def test_a_function_may_be_written_in_any_way(number, style) -> None:
    cell = CELLS[number]
    verdict = cell.exercise.check(WRITTEN[style](solution(cell), names_of(cell)))
    assert verdict.outcome == "right", verdict


@pytest.mark.parametrize(("number", "form"), FORMS)
def test_a_result_may_come_in_any_form(number, form) -> None:
    cell = CELLS[number]
    function, change = solution(cell), forms_of(cell)[form]
    verdict = cell.exercise.check(lambda *inputs: change(function(*inputs)))
    assert verdict.outcome == "right", verdict


@pytest.mark.parametrize(("number", "dtype"), COMPUTED)
def test_a_function_may_compute_in_another_precision(number, dtype) -> None:
    cell = CELLS[number]
    verdict = cell.exercise.check(computed_in(dtype)(solution(cell)))
    assert verdict.outcome == "right", verdict


@pytest.mark.parametrize(("number", "form"), VALUES)
def test_a_number_may_come_in_any_form(number, form) -> None:
    cell = CELLS[number]
    assert cell.exercise.check(NUMBER_FORMS[form](solution(cell))).outcome == "right"


@pytest.mark.parametrize(("number", "form"), CHOICES)
def test_words_may_be_written_in_any_way(number, form) -> None:
    cell = CELLS[number]
    assert cell.exercise.check(CHOICE_FORMS[form](solution(cell))).outcome == outcome(cell)


@pytest.mark.parametrize("form", ARGUMENT_FORMS)
def test_an_argument_may_be_written_in_any_way(form) -> None:
    cell = CELLS["9.3"]
    assert cell.exercise.check(ARGUMENT_FORMS[form](solution(cell))).outcome == "right"


def test_every_exercise_is_answered_in_six_styles_at_least() -> None:
    counts = collections.Counter(number for number, _ in [*FORMS, *COMPUTED, *VALUES, *CHOICES])
    counts += collections.Counter({number: len(WRITTEN) for number in FUNCTIONS} | {"9.3": len(ARGUMENT_FORMS)})
    assert counts.keys() == CELLS.keys()
    assert min(counts.values()) >= 6


# What may happen to any function.


def left_over(source: str, before: bool) -> str:
    """An answer cell in which the stub's last line still stands, before or behind what was written."""
    start = source.index("def ")
    line = '    raise NotImplementedError("your code here")\n'
    if before:
        end_of_def = source.index("\n", start) + 1
        return source[:end_of_def] + line + source[end_of_def:]
    head, back, last = source.rpartition("    return ")
    return f"{head}    result = {last}\n{line}" if back else f"{source}\n{line}"


def writing_into(place: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that changes one of its inputs when it has its result."""

    def answer(*inputs: Any) -> Any:
        result = function(*inputs)
        if isinstance(result, Tensor):
            result = result.clone()
        if isinstance(inputs[place], Tensor):
            inputs[place].zero_()
        else:
            inputs[place].append(inputs[place])
        return result

    return answer


CHANGEABLE = [
    (number, place)
    for number, cell in FUNCTIONS.items()
    if number != "7.3"  # it is asked to change its input
    for place, given in enumerate(first_case(cell))
    if isinstance(given, Tensor | list)
]


@pytest.mark.parametrize("number", FUNCTIONS)
def test_a_result_in_place_of_the_function_is_named(number) -> None:
    cell = CELLS[number]
    handed_over = solution(cell)(*first_case(cell)) if number != "7.3" else 1
    verdict = cell.exercise.check(handed_over)
    assert verdict.outcome == "wrong"
    assert "Give the function itself, without calling it" in verdict.why


@pytest.mark.parametrize("number", FUNCTIONS)
def test_a_class_in_place_of_an_object_is_named(number) -> None:
    assert "Give an object of it: Called()" in CELLS[number].exercise.check(Called).why


@pytest.mark.parametrize("number", [number for number in FUNCTIONS if number != "7.3"])  # it need not return anything
def test_a_printed_result_is_named(number, capsys) -> None:
    function = solution(CELLS[number])
    verdict = CELLS[number].exercise.check(lambda *inputs: print(function(*inputs)))
    assert verdict.outcome == "wrong"
    assert "did you print instead of return?" in verdict.why


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("number", FUNCTIONS)
def test_a_left_over_raise_beside_written_code_is_named(number, before) -> None:
    cell = CELLS[number]
    verdict = cell.check(left_over(cell.exercise.answer, before))
    assert verdict.outcome == "wrong"
    assert re.search(r"line \d+ of your cell still raises NotImplementedError: remove the line", verdict.why)


@pytest.mark.parametrize(("number", "place"), CHANGEABLE)
def test_a_changed_input_is_named(number, place) -> None:
    cell = CELLS[number]
    verdict = cell.exercise.check(writing_into(place, solution(cell)))
    assert verdict.outcome == "wrong"
    assert f"also wrote into {names_of(cell)[place]}, which you were given" in verdict.why


@pytest.mark.parametrize("number", FUNCTIONS)
def test_an_error_is_told_with_its_line_and_its_input(number) -> None:
    cell = CELLS[number]
    names = names_of(cell)
    source = f"def helper(number):\n    return number\n\ndef {cell.name}({', '.join(names)}):\n    return helper(1) / 0"
    verdict = cell.check(source)
    assert verdict.outcome == "raised"
    assert verdict.why.startswith("In line 5 of your cell, `return helper(1) / 0`, for " + names[0])
    assert all(name in verdict.why for name in names)
    assert verdict.why.endswith(": ZeroDivisionError: division by zero")


@pytest.mark.parametrize("number", FUNCTIONS)
def test_what_torch_has_not_implemented_is_no_answer_that_was_not_attempted(number) -> None:
    cell = CELLS[number]
    source = f"import torch\ndef {cell.name}(*inputs):\n    return torch.zeros(2, dtype=torch.int64).softmax(0)"
    verdict = cell.check(source)
    assert verdict.outcome == "raised"
    assert verdict.why.startswith("In line 3 of your cell")


@pytest.mark.parametrize("number", FUNCTIONS)
def test_other_arguments_than_asked_for_are_named(number) -> None:
    cell = CELLS[number]
    verdict = cell.check(f"def {cell.name}():\n    return 1")
    assert verdict.outcome == "wrong"
    assert verdict.why == f"Your function takes (); it is called with ({', '.join(names_of(cell))})."


ODD = [
    None,
    "text",
    b"",
    {},
    {1: 2},
    {1},
    object(),
    1j,
    float("nan"),
    float("inf"),
    -1,
    10**400,
    True,
    [],
    [[1], [2, 3]],
    [None],
    ["a"],
    (1, "a", None, {}),
    range(3),
    np.array(["a"]),
    np.array([None, {}]),
    np.datetime64("2026-01-01"),
    np.zeros((2, 0)),
    torch.zeros(0),
    torch.zeros(()),
    torch.zeros(2, dtype=torch.complex64),
    torch.eye(2).to_sparse(),
    torch.zeros(2, device="meta"),
    torch.full((3, 3), torch.nan),
    torch.zeros(2, 2, dtype=torch.bool),
    nn.Linear(1, 1),
    torch.optim.SGD([torch.zeros(1)]),
    len,
    int,
    ValueError("odd"),
]


@pytest.mark.parametrize("number", [number for number in FUNCTIONS if number != "7.3"])  # what it returns is ignored
def test_no_result_however_odd_breaks_a_check(number) -> None:
    for odd in ODD:
        verdict = CELLS[number].exercise.check(lambda *inputs, odd=odd: odd)
        assert verdict.outcome == "wrong", (odd, verdict)
        assert "cannot be read" not in verdict.why, (odd, verdict)


@pytest.mark.parametrize("number", CELLS)
def test_no_answer_however_odd_breaks_a_check(number) -> None:
    for odd in ODD:
        verdict = CELLS[number].exercise.check(odd)
        assert verdict.outcome in ("wrong", "not attempted", "raised" if callable(odd) else ""), (odd, verdict)
        assert "cannot be read" not in verdict.why, (odd, verdict)
