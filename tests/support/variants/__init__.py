"""Other answers to an exercise, which tests put in place of the student's. Each is a whole cell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variants:
    """right: right answers beside the solution. wrong: a phrase of the verdict -> the wrong answers that get it."""

    right: tuple[str, ...]
    wrong: dict[str, str | tuple[str, ...]]

    def mistakes(self) -> list[tuple[str, str]]:
        """All wrong answers, each with the phrase that its verdict must contain."""
        answers = {phrase: (found,) if isinstance(found, str) else found for phrase, found in self.wrong.items()}
        return [(phrase, answer) for phrase, found in answers.items() for answer in found]
