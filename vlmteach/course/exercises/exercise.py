"""What an exercise is, and how an answer is judged."""

from __future__ import annotations

import linecache
import numbers
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import Tensor
from torch.overrides import TorchFunctionMode


class Wrong(Exception):
    """Raised by a check: its sentence names the mistake and what to look at."""


def as_number(answer: object, expected: str) -> int | float:
    """The number a student gave, be it Python's, numpy's, or the only element of an array or a tensor.

    expected: in words, such as "a number of tokens". Raises Wrong for anything else, True and False included.
    """
    number = answer
    if isinstance(answer, np.ndarray) and answer.size == 1:
        number = answer.item()
    if isinstance(answer, Tensor) and answer.numel() == 1:
        number = answer.item()
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        raise Wrong(f"Your answer is a {type(answer).__name__}; expected {expected}.")
    return int(number) if isinstance(number, numbers.Integral) else float(number)


class NotThis(TorchFunctionMode):
    """While it is on, every call of torch is noted; at its end, one that the exercise rules out raises Wrong.

    sentences: name of a torch function -> what to say to a student who called it.
    """

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__()
        self.sentences = sentences
        self.called: set[str] = set()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Note the function's name and call it."""
        self.called.add(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Leave the mode. Raises Wrong when a function was called that is ruled out and nothing else was raised."""
        super().__exit__(kind, error, trace)
        for name, sentence in self.sentences.items():
            if error is None and name in self.called:
                raise Wrong(sentence)


@dataclass(frozen=True)
class Verdict:
    """How an answer was judged; a notebook shows it as one sentence."""

    outcome: Literal["not attempted", "wrong", "raised", "right"]
    why: str

    def __repr__(self) -> str:
        return f"{self.outcome.capitalize()}. {self.why}"


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    number: "1.2" is the second exercise of lesson 1; the notebook's answer cell is tagged exercise-1.2 and the cell
        that checks it check-1.2.
    examine: given the answer, returns when it is right and raises Wrong when it is not. It compares with facts or
        with an independent computation, never with the answer itself and never with the solution's code.
    praise: what a right answer has shown. hints: from faint to strong. answer: the code that solves it, the whole cell.
    """

    number: str
    examine: Callable[[Any], None]
    praise: str
    hints: tuple[str, ...]
    answer: str

    def check(self, answer: Any) -> Verdict:
        """Judge an answer: a value, or a function that is tried on several inputs.

        None, ... and a function that raises NotImplementedError count as not attempted.
        """
        if answer is None or answer is ...:
            return self._not_attempted()
        try:
            self.examine(answer)
        except NotImplementedError:
            return self._not_attempted()
        except Wrong as mistake:
            return Verdict("wrong", str(mistake))
        except Exception as error:
            return Verdict("raised", f"{_where(error, answer)}{type(error).__name__}: {error}")
        return Verdict("right", self.praise)

    def hint(self, number: int = 1) -> None:
        """Print hint number 1, 2, … Raises ValueError when there is no such hint."""
        if not 1 <= number <= len(self.hints):
            raise ValueError(f"exercise {self.number} has hints 1 to {len(self.hints)}; got {number}.")
        print(f"Hint {number} of {len(self.hints)}: {self.hints[number - 1]}")

    def solution(self) -> None:
        """Print one solution; there are others."""
        print(self.answer)

    def _not_attempted(self) -> Verdict:
        return Verdict("not attempted", f"Write your answer to exercise {self.number} in the cell above and run both.")


def _where(error: Exception, answer: Any) -> str:
    """The line of the student's own code that raised, without the path (it differs from run to run)."""
    code = getattr(answer, "__code__", None)
    if code is None:
        return ""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == code.co_filename]
    if not own or own[-1].lineno is None:
        return ""
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip()
    return f"In line {own[-1].lineno} of your cell, `{line}`: "
