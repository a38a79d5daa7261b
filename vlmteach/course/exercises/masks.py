"""Masks that say which token may look at which: a rule, decided pair by pair, and the mistakes that all masks share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vlmteach.course.exercises.checks import FunctionCheck
from vlmteach.course.exercises.results import Mask
from vlmteach.course.exercises.ruled_out import RuledOut
from vlmteach.language import N_, _


class Token(NamedTuple):
    """One token of a sequence. kind: marked by N_; place: among those of its kind; question: whose word."""

    kind: str
    place: int
    question: int | None = None

    def __str__(self) -> str:
        if self.question is None:
            return _("{kind} {place}", kind=_(self.kind), place=self.place)
        return _("{kind} {place} of question {question}", kind=_(self.kind), place=self.place, question=self.question)


def tokens_of(*kinds: tuple[str, int]) -> list[Token]:
    """Tokens of several kinds, each with how many there are, one kind after the other."""
    return [Token(kind, place) for kind, count in kinds for place in range(count)]


def mask_check(
    tokens: Callable[..., Sequence[Token]],
    may_look: Callable[[Token, Token], bool],
    why: Callable[[Token, Token], str],
    cases: tuple[tuple[int, ...], ...],
    ruled_out: RuledOut | None = None,
) -> FunctionCheck:
    """The check of a function that makes a mask (N, N), True = may look.

    tokens: the sequence, from the arguments of the function, by their names in the lesson. may_look: the rule, for the
    token that looks and the one that is looked at. why: the reason, in words, for such a pair. ruled_out: what the
    function may not use.
    """

    @functools.wraps(tokens)  # for the names of the arguments
    def right(*case: int) -> Tensor:
        return torch.tensor([[may_look(looker, seen) for seen in tokens(*case)] for looker in tokens(*case)])

    def causal(*case: int) -> Tensor:
        return torch.ones(len(tokens(*case)), len(tokens(*case)), dtype=torch.bool).tril()

    mistakes: tuple[tuple[Callable[..., Any], str], ...] = (
        (
            lambda *case: ~right(*case),
            N_("Your mask is upside down: here True means may look. In nn.MultiheadAttention it means blocked."),
        ),
        (
            lambda *case: right(*case).T,
            N_("Rows and columns are exchanged. A row is the token that looks, a column the token it looks at."),
        ),
        (
            causal,
            N_(
                "This is the causal mask, for everything. What is there all at once, such as a picture, may be seen as "
                "a whole, and not only what comes before."
            ),
        ),
        (
            lambda *case: torch.ones_like(right(*case)),
            N_("In your mask every token may look at every other, even at what it should not know yet."),
        ),
    )
    return FunctionCheck(right, cases, Mask(tokens, why), mistakes, ruled_out=ruled_out)
