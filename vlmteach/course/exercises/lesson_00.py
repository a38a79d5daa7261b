"""Exercises of lesson 00: expectations, and how checks work."""

from __future__ import annotations

from vlmteach.course.exercises.checks import ChoiceCheck, FunctionCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Number
from vlmteach.language import N_

expectations = Exercise(
    number="0.1",
    examine=ChoiceCheck(
        name="my_expectations",
        key=N_("claim"),
        words=("true", "false", "it depends"),
        right=dict.fromkeys(("local", "grid", "connector", "reason")),
    ),
    praise=N_("Lesson 01 tests 'grid', 02 and 06 test 'local', 07 'connector', and lesson 09 weighs 'reason'."),
    hints=(N_("There is nothing to look up: write what you expect."),),
)


def _count_tokens(height: int, width: int, stride: int) -> int:
    return len([(top, left) for top in range(0, height, stride) for left in range(0, width, stride)])


count_tokens = Exercise(
    number="0.2",
    examine=FunctionCheck(
        right=_count_tokens,
        cases=((16, 32, 16), (64, 32, 16), (224, 224, 16), (224, 224, 32), (384, 640, 32)),
        result=Number(N_("a number of tokens")),
        mistakes=(
            (
                lambda height, width, stride: height * width / stride,
                N_("You divided by the stride once. It acts along rows and along columns."),
            ),
            (
                lambda height, width, stride: height / stride + width / stride,
                N_("You added rows and columns; a grid has rows times columns cells."),
            ),
            (
                lambda height, width, stride: (height / stride) ** 2,
                N_("You used the height twice. Pictures need not be square."),
            ),
            (
                lambda height, width, stride: (width / stride) ** 2,
                N_("You used the width twice. Pictures need not be square."),
            ),
            (
                lambda height, width, stride: _count_tokens(height, width, stride) + 1,
                N_(
                    "You counted one token more than there are squares. A CLS token would be one more, "
                    "but this encoder has none."
                ),
            ),
            (
                lambda height, width, stride: height * width,
                N_("You counted pixels; a token is a whole square of them."),
            ),
        ),
    ),
    praise=N_("Rows of squares times columns of squares, also for pictures that are not square."),
    hints=(
        N_("How many squares fit along one side?"),
        N_("height // stride along the rows; the same for the columns."),
    ),
    answer="""def count_tokens(height, width, stride):
    return (height // stride) * (width // stride)""",
)
