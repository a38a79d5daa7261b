"""Stamps: code has changed since runs were made, and a run that was made again gave the same numbers.

A stamp never says that all runs were made again. It says which one was, when, by which versions, and how far its
numbers lie from the recorded ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from vlmteach.experiments.code import digest


class Stamp(TypedDict):
    """One run that was made again, whole, by newer code.

    before, after: digests of the code. changed: modules that differ. run: its name. when: UTC. versions: that made it.
    largest_difference: of its final numbers from the recorded ones. tolerance: what was allowed.
    """

    before: str
    after: str
    changed: list[str]
    run: str
    when: str
    versions: dict[str, str]
    largest_difference: float
    tolerance: float


def stands_for(code: Mapping[str, str], stamps: Sequence[Stamp]) -> set[str]:
    """The digests of all code whose runs hold for this code: its own, and what stamps lead to it, step by step."""
    holds = {digest(code)}
    while more := {stamp["before"] for stamp in stamps if stamp["after"] in holds} - holds:
        holds |= more
    return holds


def largest_difference(recorded: Any, made: Any) -> float:
    """Between two runs' numbers, in lists and dicts as deep as they are.

    Raises ValueError when they are not built alike, or differ in anything but numbers.
    """
    if isinstance(recorded, (int, float)) and isinstance(made, (int, float)):
        return abs(recorded - made)
    if isinstance(recorded, Mapping) and isinstance(made, Mapping) and recorded.keys() == made.keys():
        return max((largest_difference(recorded[key], made[key]) for key in recorded), default=0.0)
    if isinstance(recorded, list) and isinstance(made, list) and len(recorded) == len(made):
        return max((largest_difference(*pair) for pair in zip(recorded, made, strict=True)), default=0.0)
    if recorded != made:
        raise ValueError(f"the run has {made!r} where the record has {recorded!r}; these cannot be compared.")
    return 0.0
