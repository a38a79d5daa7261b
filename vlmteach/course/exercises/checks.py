"""The three ways to examine an answer: a number, words chosen from a few, and a function tried on several inputs."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from vlmteach.course.exercises.exercise import NotAttempted, Raised, Wrong, told
from vlmteach.course.exercises.reading import as_number, kind_of
from vlmteach.course.exercises.results import Result
from vlmteach.course.exercises.ruled_out import RuledOut
from vlmteach.course.exercises.student import Student
from vlmteach.language import _


@dataclass(frozen=True)
class NumberCheck:
    """The answer is one number.

    what: in words, such as "a number of tokens". mistakes: numbers that a known mistake gives -> what to say. look:
    where to look when the number is none of them. close: how near is equal.
    """

    right: float
    what: str
    mistakes: Mapping[float, str]
    look: str
    close: float = 1e-3

    def __call__(self, answer: object) -> None:
        """Examine an answer. Raises Wrong."""
        number = as_number(answer, _(self.what))
        if abs(number - self.right) <= self.close:
            return
        nearest = min(self.mistakes, key=lambda mistake: abs(number - mistake))
        if abs(number - nearest) <= self.close:
            raise Wrong(_(self.mistakes[nearest]))
        raise Wrong(_("{number:.10g} is not it. {look}", number=number, look=_(self.look)))


@dataclass(frozen=True)
class ChoiceCheck:
    """The answer is a dictionary with a word behind each of its keys.

    name: of the dictionary in the lesson. key: what a key is, such as "sentence". words: those to choose from.
    right: the key -> the right word, and what to say to another one; for opinions, the key alone is enough.
    """

    name: str
    key: str
    words: tuple[object, ...]
    right: Mapping[str, tuple[object, str] | None]

    def __call__(self, answer: object) -> None:
        """Examine an answer. Raises Wrong, or NotAttempted when nothing has been filled in."""
        if not isinstance(answer, Mapping):
            raise Wrong(
                _(
                    "{name} is {kind}; keep it a dictionary, with one word for each {key}.",
                    name=self.name,
                    kind=kind_of(answer),
                    key=_(self.key),
                )
            )
        for key in self.right:
            if key not in answer:
                raise Wrong(
                    _(
                        "The {kind} {key!r} is missing from {name}; keep all {count}.",
                        kind=_(self.key),
                        key=key,
                        name=self.name,
                        count=len(self.right),
                    )
                )
        for key in answer:
            if key not in self.right:
                raise Wrong(
                    _("{key!r} is not a {kind} of {name}; take it out.", key=key, kind=_(self.key), name=self.name)
                )
        words = {key: _plain(answer[key]) for key in self.right}
        if not any(words.values()):
            raise NotAttempted
        expected = _("{most} or {last!r}", most=", ".join(map(repr, self.words[:-1])), last=self.words[-1])
        for key, word in words.items():
            if not word:
                raise Wrong(
                    _("The {kind} {key!r} is still open: {expected}?", kind=_(self.key), key=key, expected=expected)
                )
            if word not in map(_plain, self.words):
                raise Wrong(
                    _(
                        "For {key!r} you wrote {answer!r}; expected {expected}.",
                        key=key,
                        answer=answer[key],
                        expected=expected,
                    )
                )
        for key, decided in self.right.items():
            if decided and words[key] != _plain(decided[0]):
                raise Wrong(_("Think again about {key!r}. {why}", key=key, why=_(decided[1])))


def _plain(word: object) -> str:
    """A word without its case and outer blanks; True and False as words, whoever's they are; empty for None and ...."""
    if isinstance(word, np.generic | np.ndarray | Tensor) and word.ndim == 0:
        word = word.item()
    return "" if word is None or word is ... else " ".join(str(word).split()).casefold()


def call(function: Callable[..., Any], *case: Any) -> Any:
    """The usual way to use a function: call it once."""
    return function(*case)


@dataclass(frozen=True)
class FunctionCheck:
    """The answer is a function, tried on several inputs.

    right: an independent computation of the result; its arguments are named as in the lesson's stub.
    cases: the inputs, from small to large. Each is tried before anything is said.
    result: what kind of thing is returned.
    mistakes: functions that make a known mistake, and what to say to whoever made it. It is said only when the
        student's function gives, or raises, in each case what the mistake does.
    look: where to look when the mistake is none of them; a case is shown in any case.
    use: how a function is used for a case; by calling it once, if nothing else is said.
    describe: a case in words; by its inputs, if nothing else is said.
    ruled_out: what the function may not use.
    """

    right: Callable[..., Any]
    cases: tuple[tuple[Any, ...], ...]
    result: Result
    mistakes: tuple[tuple[Callable[..., Any], str], ...]
    look: str = ""
    use: Callable[..., Any] = call
    describe: Callable[..., str] | None = None
    ruled_out: RuledOut | None = None

    def __call__(self, answer: object) -> None:
        """Examine an answer. Raises Wrong, Raised or NotAttempted."""
        student = Student(answer, tuple(inspect.signature(self.right).parameters), self.ruled_out)
        tried = [self._tried(student, case) for case in self.cases]
        right = [self._made(self.right, case) for case in self.cases]
        wrong = [number for number in range(len(tried)) if not self._same(tried[number], right[number])]
        written = _(" and ").join(student.changed)
        if not wrong and written:
            raise Wrong(
                _(
                    "Your result is right, but you also wrote into {written}, which you were given. Leave it as it is "
                    "and make a new one.",
                    written=written,
                )
            )
        if not wrong:
            return
        also = (
            _(
                " You also wrote into {written}, which you were given. Leave it as it is and make a new one.",
                written=written,
            )
            if written
            else ""
        )
        if all(result is None for result in tried):
            raise Wrong(_("Your function returned None: did you print instead of return?") + also)
        for mistake, sentence in self.mistakes:
            if all(map(self._same, tried, (self._made(mistake, case) for case in self.cases))):
                raise Wrong(_(sentence) + also)
        first = wrong[0]
        if isinstance(tried[first], Raised):
            raise tried[first]
        described = self.describe or (lambda *case: student.inputs_told(case))
        shown = self._shown(tried[first], right[first], self.cases[first])
        raise Wrong(_("For {case}: {shown}", case=described(*self.cases[first]), shown=shown) + also)

    def _tried(self, student: Student, case: Sequence[Any]) -> Any:
        """What the student's function gives for a case, as read; or why there is nothing to read."""
        try:
            result = self.use(student, *case)
        except Raised as error:
            return error
        try:
            return None if result is None else self.result.read(result)
        except Wrong as unreadable:
            return unreadable

    def _made(self, function: Callable[..., Any], case: Sequence[Any]) -> Any:
        """The same for a function of ours, which may raise for a case as a student's with the same mistake does."""
        try:
            result = self.use(function, *copy.deepcopy(case))
        except Exception as error:
            return Raised(told(error))
        return self.result.read(result)

    def _same(self, one: Any, other: Any) -> bool:
        if isinstance(one, Raised | Wrong) or one is None or isinstance(other, Raised):
            return isinstance(one, Raised) and isinstance(other, Raised)
        return self.result.same(one, other)

    def _shown(self, got: Any, expected: Any, case: Sequence[Any]) -> str:
        if got is None:
            return _("your function returned None: did you print instead of return?")
        if isinstance(got, Wrong):
            return str(got)
        return f"{self.result.differ(got, expected, case)} {_(self.look)}".rstrip()
