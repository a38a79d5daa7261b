"""Exercises of lesson 08: the verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from vlmteach.course.claims import Ledger, load_ledger
from vlmteach.course.evidence import ADDRESS
from vlmteach.course.exercises.exercise import Exercise, Wrong
from vlmteach.course.systems import load_systems

Board = list[list[int]]


def _board(**things: tuple[int, int]) -> Board:
    """6 × 6 cells, 0 where nothing stands; each named thing at its (row, column)."""
    names = {"one": 1, "two": 2, "other": 1}
    board = [[0] * 6 for _ in range(6)]
    for name, (row, column) in things.items():
        board[row][column] = names[name]
    return board


# two boards, how far a cell sees, whether their bags are equal, and what is wrong when an answer says otherwise
_PAIRS: tuple[tuple[Board, Board, int, bool, str], ...] = (
    (
        _board(one=(1, 1), two=(4, 4)),
        _board(one=(4, 4), two=(1, 1)),
        1,
        True,
        "Two far things changed places, and your bags differ. A bag has no order: sort the windows, or count them.",
    ),
    (
        _board(one=(0, 0), two=(3, 3)),
        _board(one=(3, 3), two=(0, 0)),
        1,
        True,
        "A thing in the corner changed places with one in the middle, and your bags differ. The borders wrap: behind "
        "the last row comes the first.",
    ),
    (
        _board(one=(2, 2), two=(2, 3)),
        _board(one=(2, 3), two=(2, 2)),
        1,
        False,
        "Two neighbours changed places, and your bags are equal. A window of reach 1 sees both at once.",
    ),
    (
        _board(one=(1, 1), two=(3, 4)),
        _board(one=(3, 4), two=(1, 1)),
        2,
        False,
        "Two things two rows and three columns apart changed places, and with reach 2 your bags are equal. A window "
        "then goes two cells to every side and sees both.",
    ),
    (
        _board(one=(1, 1), other=(4, 4)),
        _board(one=(1, 1)),
        1,
        False,
        "One board has two equal things far apart, the other has one, and your bags are equal. How often a window "
        "occurs counts: a set forgets that, a bag does not.",
    ),
)


def _examine_bag(bag_of_windows: Callable[[Board, int], Any]) -> None:
    for one, other, reach, equal, mistake in _PAIRS:
        bags = [bag_of_windows([row[:] for row in board], reach) for board in (one, other)]
        if bags[0] is None:
            raise Wrong("Your function returns nothing; expected the windows in a form that == can compare.")
        if bool(bags[0] == bags[1]) != equal:
            raise Wrong(mistake)


bag = Exercise(
    number="8.1",
    examine=_examine_bag,
    praise="Equal bags, equal outputs: your function says in advance which questions such a network cannot answer.",
    hints=(
        "For each cell collect what stands in the rows and columns from -reach to +reach around it, modulo the size.",
        "A window as a tuple can be sorted. sorted(...) of all windows forgets where each was and keeps how often.",
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
_REASONS = {
    "what shape is red ?": ("possible", "One window around red shows its shape."),
    "how many circle ?": ("possible", "The bag says how often each window occurs, so it counts."),
    "which row is red ?": ("impossible", "Move everything down by a row, around the border: the bag is the same."),
    "is red left of blue ?, in one row, one cell between them": (
        "possible",
        "A window between the two shows both, in their order.",
    ),
    "is red left of blue ?, in one row, two cells between them": (
        "impossible",
        "Swap them: the bag is the same, the answer is not.",
    ),
    "is red shaped like blue ?, in one row, two cells between them": (
        "possible",
        "Each shape is in a window of its own, and a mean can hold both. Far is not the same as relational.",
    ),
}


def _examine_questions(answers: object) -> None:
    if not isinstance(answers, Mapping):
        raise Wrong(f"Your answer is a {type(answers).__name__}; expected the dictionary with its six questions.")
    if all(answers.get(question) is None for question in _REASONS):
        raise NotImplementedError
    for question, (right, reason) in _REASONS.items():
        answer = answers.get(question)
        if answer not in ("possible", "impossible"):
            raise Wrong(f"For {question!r} you say {answer!r}; expected 'possible' or 'impossible'.")
        if answer != right:
            raise Wrong(f"{question!r} is {right}. {reason}")


questions = Exercise(
    number="8.2",
    examine=_examine_questions,
    praise="The limit is not distance and not relations. It is order among windows that never meet.",
    hints=(
        "Ask of each question: can two pictures have the same bag of windows and different answers?",
        "Shifting all things around the border keeps the bag. So does swapping two that are three cells apart.",
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

_PARTS = ("claim", "sentence", "cites", "verdict", "change")
_CANNOT = re.compile(r"\b(cannot|can not|can't|impossible)\b", re.IGNORECASE)
_NAMES = re.compile(r"[A-Za-z][\w.]*(?:[-/]\w+)*|\d+ ?[×x] ?\d+")  # ResNet-50, ViT-L/14, 3×3: no numbers of a record


def _examine_argument(argument: object) -> None:
    if not isinstance(argument, Mapping) or set(argument) != set(_PARTS):
        raise Wrong(f"Expected a dictionary with exactly the parts {', '.join(_PARTS)}.")
    empty = [part for part in _PARTS if argument[part] in (None, "")]
    if len(empty) == len(_PARTS):
        raise NotImplementedError
    if empty:
        raise Wrong(f"Still empty: {', '.join(empty)}. An argument needs all five parts.")
    ledger = _ledger()
    addresses = _examine_sentence(ledger, argument["claim"], argument["sentence"])
    _examine_limits(addresses, f"{argument['sentence']} {argument['verdict']}")
    _examine_source(ledger, argument["cites"])
    _examine_change(ledger, argument["change"])


@cache
def _ledger() -> Ledger:
    return load_ledger()


def _number(ledger: Ledger, address: str) -> float:
    try:
        return ledger.evidence.number(address).value
    except ValueError as error:
        raise Wrong(f"{{{address}}} leads nowhere: {error}") from None


def _examine_sentence(ledger: Ledger, key: str, sentence: str) -> list[str]:
    known = {claim.key: claim for claim in ledger.claims}
    if key not in known:
        raise Wrong(f"There is no claim {key!r}; expected one of {', '.join(known)}.")
    addresses = [f"{kind}: {rest}" for kind, rest in ADDRESS.findall(sentence)]
    if re.search(r"\d", _NAMES.sub("", ADDRESS.sub("", sentence))):
        raise Wrong("Your sentence holds a number typed by hand. Put its {address} there, so that the record speaks.")
    if len(addresses) < 2:
        raise Wrong("Your sentence needs at least two {addresses}: a number alone is neither large nor small.")
    for address in addresses:
        _number(ledger, address)
    about = {kind for text in known[key].measured for kind, _ in ADDRESS.findall(text)} - {"guess"}
    if not about & {address.partition(":")[0] for address in addresses}:
        raise Wrong(f"None of your numbers is about the claim {key!r}. Its own are of the kinds {', '.join(about)}.")
    return addresses


def _examine_limits(addresses: list[str], text: str) -> None:
    proven = any(" bare" in address or "outside" in address for address in addresses)
    if (word := _CANNOT.search(text)) and not proven:
        raise Wrong(
            f"You write {word[0]!r}, and none of your numbers stands for a theorem. A measurement allows "
            "'not within so many steps', no more."
        )


def _examine_source(ledger: Ledger, source: object) -> None:
    known = {cited.source for claim in ledger.claims for cited in claim.cited}
    systems = load_systems().systems
    known |= {locator for system in systems for locator in system.sources}
    known |= {system.arxiv for system in systems if system.arxiv}
    known |= {locator.split(",")[0] for locator in known}
    if source not in known:
        raise Wrong(
            f"{source!r} is none of the course's checked sources. Give one as it stands in the ledger or in the table "
            "of lesson 06, for instance '2001.03615'."
        )


def _examine_change(ledger: Ledger, change: object) -> None:
    form = "expected (address, '>=' or '<=', number), for instance ('cliff: vit-1, 7', '<=', 0.5)"
    if not isinstance(change, tuple) or len(change) != 3:
        raise Wrong(f"What would change your mind must be something that can be measured; {form}.")
    address, relation, bound = change
    if relation not in (">=", "<=") or isinstance(bound, bool) or not isinstance(bound, (int, float)):
        raise Wrong(f"{change!r} is no comparison; {form}.")
    value = _number(ledger, address)
    if value >= bound if relation == ">=" else value <= bound:
        raise Wrong(f"{address} is {value:.2f}, so {relation} {bound} holds today. It should have changed your mind.")


argument = Exercise(
    number="8.3",
    examine=_examine_argument,
    praise="A claim, two numbers that move with the record, a source, a verdict, and what would overturn it.",
    hints=(
        "Start from what would convince you of the opposite. That is your `change`, and it must be false today.",
        "Take the forms that are printed above the cell and change the words behind the colon. Quote the guess rate "
        "beside an accuracy.",
    ),
    answer="""argument = {
    "claim": "local",
    "sentence": "Beyond its field a CNN is right {cliff worst: outside, cnn-3} of the time at best, and with one "
    "attention layer behind it {cliff: cnn-1-attention, 7} at the farthest distance.",
    "cites": "1701.04128",
    "verdict": "half true: the layers are local, the system is not",
    "change": ("cliff: cnn-1-attention, 7", "<=", 0.5),
}""",
)
