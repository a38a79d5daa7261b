"""Other answers to an exercise, which tests put in place of the student's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variants:
    """alternative: right, but not the solution. mistakes: phrase the verdict must contain -> wrong answer."""

    alternative: str
    mistakes: dict[str, str]
