"""Exercises of lesson 09: the verdict."""

from __future__ import annotations

from vlmteach.course.exercises.argument import examine_argument
from vlmteach.course.exercises.checks import ChoiceCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.windows import bag_check
from vlmteach.language import N_

bag = Exercise(
    number="9.1",
    examine=bag_check,
    praise=N_("Equal bags, equal outputs: your function says in advance which questions such a network cannot answer."),
    hints=(
        N_(
            "For each cell collect what stands in the rows and columns from -reach to +reach around it, modulo the "
            "size."
        ),
        N_("A window as a tuple can be sorted. sorted(...) of all windows forgets where each was and keeps how often."),
    ),
    answer="""def bag_of_windows(board, reach):
    n, steps = len(board), range(-reach, reach + 1)
    windows = []
    for row in range(n):
        for column in range(n):
            windows.append(tuple(board[(row + down) % n][(column + right) % n] for down in steps for right in steps))
    return sorted(windows)""",
)

# What a bag of windows of 3 × 3 cells still holds, and why.
questions = Exercise(
    number="9.2",
    examine=ChoiceCheck(
        name="what_a_bag_can_tell",
        key=N_("question"),
        words=("possible", "impossible"),
        right={
            "what shape is red ?": ("possible", N_("One window around red shows its shape.")),
            "how many circle ?": ("possible", N_("The bag says how often each window occurs, so it counts.")),
            "which row is red ?": (
                "impossible",
                N_("Move everything down by a row, around the border: the bag is the same."),
            ),
            "is red left of blue ?, in one row, one cell between them": (
                "possible",
                N_("A window between the two shows both, in their order."),
            ),
            "is red left of blue ?, in one row, two cells between them": (
                "impossible",
                N_("Swap them: the bag is the same, the answer is not."),
            ),
            "is red shaped like blue ?, in one row, two cells between them": (
                "possible",
                N_(
                    "Each shape is in a window of its own, and a mean can hold both. Far is not the same as relational."
                ),
            ),
        },
    ),
    praise=N_("The limit is not distance and not relations. It is order among windows that never meet."),
    hints=(
        N_("Ask of each question: can two pictures have the same bag of windows and different answers?"),
        N_("Shifting all things around the border keeps the bag. So does swapping two that are three cells apart."),
    ),
    answer="""what_a_bag_can_tell = {
    "what shape is red ?": "possible",
    "how many circle ?": "possible",
    "which row is red ?": "impossible",
    "is red left of blue ?, in one row, one cell between them": "possible",
    "is red left of blue ?, in one row, two cells between them": "impossible",
    "is red shaped like blue ?, in one row, two cells between them": "possible",
}""",
)

argument = Exercise(
    number="9.3",
    examine=examine_argument,
    praise=N_("A claim, two numbers that move with the record, a source, a verdict, and what would overturn it."),
    hints=(
        N_("Start from what would convince you of the opposite. That is your `change`, and it must be false today."),
        N_(
            "Take the lines that are printed above the cell, with other names in them. Quote the guess rate beside an "
            "accuracy."
        ),
    ),
    answer="""def sentence(r):
    outside = r.cliff.worst("cnn-3")[1]
    attention = r.cliff.accuracy_by_distance("cnn-1-attention")[:, 6].mean()
    return (
        f"Beyond its field a CNN is right {outside:.2f} of the time at best, and with one attention layer behind it "
        f"{attention:.2f} at the farthest distance."
    )

def change(r):
    return r.cliff.accuracy_by_distance("cnn-1-attention")[:, 6].mean() <= 0.5

argument = {
    "claim": "local",
    "sentence": sentence,
    "cites": "1701.04128",
    "verdict": "half true: the layers are local, the system is not",
    "change": change,
}""",
)
