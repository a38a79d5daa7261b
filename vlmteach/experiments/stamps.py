"""Stamps: code has changed since runs were made, and a run that was made again gave the same numbers.

A stamp never says that all runs were made again. It says which one was, when, by which versions, and how far its
numbers lie from the recorded ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from vlmteach.experiments.code import digest


class Stamp(TypedDict):
    """One run that was made again, whole, by newer code.

    before, after: digests of the code. when: UTC. versions: that made it. run: its name. largest_difference: of its
    final accuracies from the recorded ones; tolerance: what was allowed; largest_difference_of_losses: in its curve.
    starts: of how many runs the first steps were made again too; largest_difference_of_starts: of their losses.
    """

    before: str
    after: str
    when: str
    versions: dict[str, str]
    run: str
    largest_difference: float
    tolerance: float
    largest_difference_of_losses: float
    starts: int
    largest_difference_of_starts: float


def stands_for(code: Mapping[str, str], stamps: Sequence[Stamp]) -> set[str]:
    """The digests of all code whose runs hold for this code: its own, and what stamps lead to it, step by step."""
    holds = {digest(code)}
    while more := {stamp["before"] for stamp in stamps if stamp["after"] in holds} - holds:
        holds |= more
    return holds


def leading_to(code: Mapping[str, str], stamps: Sequence[Stamp]) -> list[Stamp]:
    """The stamps that lead to this code, step by step; others were given on the way to code that came to nothing."""
    holds = stands_for(code, stamps)
    return [stamp for stamp in stamps if stamp["after"] in holds]


def largest_difference(recorded: Any, made: Any) -> float:
    """Between two runs' numbers, in lists and dicts as deep as they are; NaN when one of them is NaN.

    Raises ValueError when they are not built alike, or differ in anything but numbers.
    """
    if isinstance(recorded, (int, float)) and isinstance(made, (int, float)):
        return abs(recorded - made)
    if isinstance(recorded, Mapping) and isinstance(made, Mapping) and recorded.keys() == made.keys():
        return _largest(largest_difference(recorded[key], made[key]) for key in recorded)
    if isinstance(recorded, list) and isinstance(made, list) and len(recorded) == len(made):
        return _largest(largest_difference(*pair) for pair in zip(recorded, made, strict=True))
    if recorded != made:
        raise ValueError(f"the run has {made!r} where the record has {recorded!r}; these cannot be compared.")
    return 0.0


def _largest(differences: Iterable[float]) -> float:
    return float(np.max([0.0, *differences]))  # NaN if one of them is
