"""What a function of an exercise returns: how it is read, when two are the same, and how they differ in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from vlmteach.course.exercises.reading import FEW, RESULT, as_mask, as_number, as_numbers, as_tensor, listed
from vlmteach.language import N_, _


class Result(Protocol):
    """One kind of result."""

    def read(self, result: object) -> Any:
        """What the student's function returned, in one form. Raises Wrong when it cannot be read."""

    def same(self, one: Any, other: Any) -> bool:
        """Whether two results that were read are the same."""

    def differ(self, got: Any, expected: Any, case: Sequence[Any]) -> str:
        """How they differ for the inputs of this case: "you gave 3; expected 4."."""


@dataclass(frozen=True)
class Number:
    """One number. what: in words, such as "a number of tokens"; close: how near is equal, beside a millionth of it."""

    what: str
    close: float = 0.0

    def read(self, result: object) -> int | float:
        """The number."""
        return as_number(result, _(self.what), RESULT)

    def same(self, one: float, other: float) -> bool:
        """Whether they are close."""
        return one == other or abs(one - other) <= max(self.close, 1e-6 * abs(other))

    def differ(self, got: float, expected: float, case: Sequence[Any]) -> str:
        """Both numbers."""
        return _("you gave {got:.10g}; expected {expected:.10g}.", got=got, expected=expected)


@dataclass(frozen=True)
class Numbers:
    """A few numbers in order, each with a name."""

    names: tuple[str, ...]

    def read(self, result: object) -> tuple[int | float, ...]:
        """The numbers."""
        return as_numbers(result, self.names)

    def same(self, one: Sequence[float], other: Sequence[float]) -> bool:
        """Whether each is close to its partner."""
        return all(map(Number("").same, one, other))

    def differ(self, got: Sequence[float], expected: Sequence[float], case: Sequence[Any]) -> str:
        """All numbers of both."""
        mine, right = (", ".join(f"{number:.10g}" for number in given) for given in (got, expected))
        return _(
            "you gave ({mine}); expected ({right}), which is ({names}).",
            mine=mine,
            right=right,
            names=", ".join(self.names),
        )


@dataclass(frozen=True)
class Values:
    """A tensor. axes: in words, such as "(B, N, D)". exact: nothing may be rounded.

    Otherwise results may differ by rounding: by 64 units in the last place of the coarser type, at the largest number,
    but never by more than 2 % of it.
    """

    axes: str
    exact: bool = False

    def read(self, result: object) -> Tensor:
        """The tensor."""
        return as_tensor(result, _("one tensor {axes}", axes=self.axes))

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Whether shapes and numbers are the same."""
        return one.shape == other.shape and not self._apart(one, other).any()

    def differ(self, got: Tensor, expected: Tensor, case: Sequence[Any]) -> str:
        """The shapes, or all of a few numbers, or the first number that differs."""
        if got.shape != expected.shape:
            return _(
                "your result has the shape {got}; expected {expected}, {axes}.",
                got=tuple(got.shape),
                expected=tuple(expected.shape),
                axes=self.axes,
            )
        apart = self._apart(got, expected)
        if expected.numel() <= FEW:
            mine, right = _told_apart(got, expected)
            return _("you gave {mine}; expected {right}, {axes}.", mine=mine, right=right, axes=self.axes)
        first = tuple(apart.nonzero()[0].tolist())
        mine, right = _told_apart(got[first], expected[first])
        return _(
            "{wrong} of {count} numbers are not right; the first, at {first} of {axes}, is {mine} "
            "and should be {right}.",
            wrong=int(apart.sum()),
            count=expected.numel(),
            first=list(first),
            axes=self.axes,
            mine=mine,
            right=right,
        )

    def _apart(self, one: Tensor, other: Tensor) -> Tensor:
        """Where the numbers differ; a NaN always does."""
        rounding = max(torch.finfo(each.dtype).eps if each.is_floating_point() else 0.0 for each in (one, other))
        one, other = one.double(), other.double()
        largest = other.abs().max().item() if other.numel() else 0.0
        return ~((one - other).abs() <= (0.0 if self.exact else min(64 * rounding, 0.02) * largest))


def _told_apart(one: Tensor, other: Tensor) -> tuple[str, str]:
    """Both in words, with as many digits as it takes to see a difference."""
    pairs = ((listed(one, digits), listed(other, digits)) for digits in (4, 7, 9, 17))
    return next((pair for pair in pairs if pair[0] != pair[1]), (listed(one, 17), listed(other, 17)))


@dataclass(frozen=True)
class Indices(Values):
    """A row of whole numbers: a single one need not be in a row."""

    def read(self, result: object) -> Tensor:
        """The tensor, as one row."""
        return super().read(result).flatten()


@dataclass(frozen=True)
class Mask:
    """A mask over tokens, True = may look.

    tokens: from the inputs of a case, what each token is; they are named by str(). why: of two tokens, why the first
    may look at the second, or may not.
    """

    tokens: Callable[..., Sequence[Any]]
    why: Callable[[Any, Any], str]

    def read(self, result: object) -> Tensor:
        """The mask."""
        return as_mask(result)

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Whether they are equal."""
        return one.shape == other.shape and torch.equal(one, other)

    def differ(self, got: Tensor, expected: Tensor, case: Sequence[Any]) -> str:
        """The shapes, or the first pair of tokens that is not right, and why."""
        if got.shape != expected.shape:
            return _(
                "your mask is {got}; expected {expected}: a row for each token that looks, a column "
                "for each token that is looked at.",
                got=tuple(got.shape),
                expected=tuple(expected.shape),
            )
        row, column = (got != expected).nonzero()[0].tolist()
        tokens = self.tokens(*case)
        yours = (
            N_("row {row}, column {column}: in your mask {looker} may look at {seen}. {why}")
            if got[row, column]
            else N_("row {row}, column {column}: in your mask {looker} may not look at {seen}. {why}")
        )
        return _(
            yours,
            row=row,
            column=column,
            looker=tokens[row],
            seen=tokens[column],
            why=_(self.why(tokens[row], tokens[column])),
        )
