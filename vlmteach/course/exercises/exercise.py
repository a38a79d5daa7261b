"""What an exercise is, and the verdicts on an answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from vlmteach.language import N_, _

Outcome = Literal["not attempted", "wrong", "raised", "right", "noted"]


class Wrong(Exception):
    """Raised by a check: its sentence names the mistake, or shows an input for which the answer is not right."""


class Raised(Exception):
    """Raised by a check when the student's code raised: its sentence says in which line and for which input."""


class NotAttempted(Exception):
    """Raised by a check that finds the stub as it was."""


class NotRight(AssertionError):
    """Raised by `Verdict.or_raise` for an answer that is not right; its sentence is the verdict's."""


_SAID = {
    "not attempted": N_("Not attempted. {why}"),
    "wrong": N_("Wrong. {why}"),
    "raised": N_("Raised. {why}"),
    "right": N_("Right. {why}"),
    "noted": N_("Noted. {why}"),
}


@dataclass(frozen=True)
class Verdict:
    """How an answer was judged; a notebook shows it as one sentence.

    warned: the warnings of the student's code while it was tried, each once. They change no outcome.
    """

    outcome: Outcome
    why: str
    warned: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return _(_SAID[self.outcome], why=self.why)

    @property
    def passes(self) -> bool:
        """Whether the answer is right, or an opinion, which is noted."""
        return self.outcome in ("right", "noted")

    def told(self) -> str:
        """The sentence, and one more for each warning."""
        return "\n".join([repr(self), *(_("Your code warned: {warning}", warning=warning) for warning in self.warned)])

    def or_raise(self) -> None:
        """Print the verdict when the answer passes, or else raise NotRight with it: for graders that count errors.

        Nothing is written to stderr, for which nbgrader would give no points.
        """
        if not self.passes:
            raise NotRight(self.told())
        print(self.told())


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    number: "1.2" is the second exercise of lesson 1; the notebook's answer cell is tagged exercise-1.2 and the cell
        that checks it check-1.2.
    examine: given the answer, returns when it is right and raises Wrong, Raised or NotAttempted when it is not; mostly
        one of checks.py. It compares with facts or with an independent computation, never with the answer itself and
        never with the solution's code.
    praise: what a right answer has shown. hints: from faint to strong. answer: the code that solves it, the whole cell;
        empty when the exercise asks for an opinion, which is noted and never right.
    """

    number: str
    examine: Callable[[Any], None]
    praise: str
    hints: tuple[str, ...]
    answer: str = ""

    def check(self, answer: Any) -> Verdict:
        """Judge an answer: a value, or a function that is tried on several inputs. None and ... are not attempted."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")  # but for those of the student's code: see Student.call
            outcome, why = self._judged(answer)
        return Verdict(outcome, why, tuple(dict.fromkeys(told(warning.message) for warning in caught)))

    def _judged(self, answer: Any) -> tuple[Outcome, str]:
        try:
            if answer is None or answer is ...:
                raise NotAttempted
            self.examine(answer)
        except NotAttempted:
            return "not attempted", _(
                "Write your answer to exercise {number} in the cell above and run both.", number=self.number
            )
        except Wrong as mistake:
            return "wrong", str(mistake)
        except Raised as error:
            return "raised", str(error)
        except Exception as error:  # an object that cannot be compared or converted may raise anything
            return "raised", _(
                "Your answer, a {name}, cannot be read: {error}", name=type(answer).__name__, error=told(error)
            )
        return "right" if self.answer else "noted", _(self.praise)

    def hint(self, number: int = 1) -> None:
        """Print hint number 1, 2, … Raises ValueError when there is no such hint."""
        if not 1 <= number <= len(self.hints):
            raise ValueError(f"exercise {self.number} has hints 1 to {len(self.hints)}; got {number}.")
        hint = _(self.hints[number - 1])
        print(_("Hint {number} of {count}: {hint}", number=number, count=len(self.hints), hint=hint))

    def solution(self) -> None:
        """Print one solution, if the exercise has any; there are others."""
        print(
            self.answer
            or _("Exercise {number} asks for your opinion: no answer is right or wrong.", number=self.number)
        )


def told(error: BaseException | str) -> str:
    """An error or a warning on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
