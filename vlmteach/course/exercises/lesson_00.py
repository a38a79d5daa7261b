"""Exercises of lesson 00: expectations, and how checks work."""

from __future__ import annotations

from collections.abc import Callable

from vlmteach.course.exercises.exercise import Exercise, Wrong

CLAIMS = ("local", "grid", "connector", "reason")
ANSWERS = ("true", "false", "it depends")


def _examine_expectations(expectations: dict[str, object]) -> None:
    if not isinstance(expectations, dict):
        raise Wrong(f"my_expectations is a {type(expectations).__name__}; keep it a dictionary of claims.")
    missing = [claim for claim in CLAIMS if claim not in expectations]
    if missing:
        raise Wrong(f"The claim {missing[0]!r} is gone; keep all four: {', '.join(CLAIMS)}.")
    if all(expectations[claim] is None for claim in CLAIMS):
        raise NotImplementedError
    for claim in CLAIMS:
        if expectations[claim] is None:
            raise Wrong(f"The claim {claim!r} is still open. A guess is welcome: {', '.join(map(repr, ANSWERS))}.")
        if expectations[claim] not in ANSWERS:
            raise Wrong(f"For {claim!r} you wrote {expectations[claim]!r}; expected {', '.join(map(repr, ANSWERS))}.")


expectations = Exercise(
    number="0.1",
    examine=_examine_expectations,
    praise="Noted. Lesson 01 tests 'grid', 02 and 05 test 'local', 06 'connector', and lesson 08 weighs 'reason'.",
    hints=("There is nothing to look up: write what you expect.",),
    answer="""my_expectations = {"local": "true", "grid": "false", "connector": "it depends", "reason": "true"}""",
)


def _examine_count_tokens(count_tokens: Callable[[int, int, int], int]) -> None:
    for height, width, stride, tokens in [
        (224, 224, 16, 196),
        (224, 224, 32, 49),
        (384, 640, 32, 240),
        (32, 16, 16, 2),
    ]:
        count = count_tokens(height, width, stride)
        case = f"For {height} x {width} pixels and stride {stride}"
        if count == tokens:
            continue
        if count == height * width // stride:
            raise Wrong(f"{case} you divided by the stride once. It acts along rows and along columns.")
        if count == height // stride + width // stride:
            raise Wrong(f"{case} you added rows and columns; a grid has rows times columns cells.")
        if count == (height // stride) ** 2:
            raise Wrong(f"{case} you used the height twice. Pictures need not be square.")
        raise Wrong(f"{case} you gave {count!r}; expected {tokens}.")


count_tokens = Exercise(
    number="0.2",
    examine=_examine_count_tokens,
    praise="Rows of squares times columns of squares, also for pictures that are not square.",
    hints=("How many squares fit along one side?", "height // stride along the rows; the same for the columns."),
    answer="""def count_tokens(height, width, stride):
    return (height // stride) * (width // stride)""",
)
