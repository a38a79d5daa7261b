"""Exercises of lesson 04: attention, one number at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmteach.course.exercises.checks import FunctionCheck, NumberCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.masks import Token, mask_check, tokens_of
from vlmteach.course.exercises.results import Values
from vlmteach.course.exercises.ruled_out import LIBRARIES, RuledOut
from vlmteach.language import N_, _

_E = math.e
_RIGHT = _E**2 / (_E**2 + _E + 3)

weight_by_hand = Exercise(
    number="4.1",
    examine=NumberCheck(
        right=_RIGHT,
        what=N_("a number between 0 and 1"),
        close=0.005,
        mistakes={
            _E**2 / (_E**2 + 2 * _E + 3): N_("You kept token 4. Without it, one number less is in the sum of the row."),
            _E**2 / (_E**2 + _E + 4): N_(
                "You set token 4's score to 0. A score of 0 still gets a share, exp(0) = 1; a "
                "token that is taken away is not in the sum at all."
            ),
            _E**4 / (_E**4 + _E**2 + 3): N_(
                "You left out the scale: the scores are divided by √4 before the exponential."
            ),
            _E / (_E + _E**0.5 + 3): N_("You divided by 4; the scale is its square root, 2."),
            2 / 3: N_(
                "You divided the scaled scores by their sum. Softmax takes exponentials first, so a 0 gets weight too."
            ),
            _E**2 / (_E**2 + _E): N_("You left the zeros out. A score of 0 still gets a share: exp(0) is 1."),
            _E / (_E**2 + _E + 3): N_("That is what token 2 gives to token 0. Which weight does it give to itself?"),
            1 / 5: N_("That is an even spread over five tokens. Are all the scores of this row equal?"),
            _E**2: N_("That is the exponential. Divide it by the sum of the row, so that the weights sum to 1."),
            0.6: N_("One decimal is not enough to tell; give two."),
            100 * round(_RIGHT, 2): N_("You gave percent. A weight is a share: the weights of a row sum to 1."),
            100 * round(_RIGHT, 3): N_("You gave percent. A weight is a share: the weights of a row sum to 1."),
            100 * _RIGHT: N_("You gave percent. A weight is a share: the weights of a row sum to 1."),
        },
        look=N_("One scaled score of this row is 2, one is 1, three are 0; start from there."),
    ),
    praise=N_("7.39 / (7.39 + 2.72 + 3 · 1) = 0.56: its scores are the old ones, but fewer tokens share."),
    hints=(
        N_("Its scaled scores are in section 3, row 2. Which of them stay in the sum?"),
        N_("One scaled score is 2, one is 1, three are 0; exp(2) is 7.39, exp(1) is 2.72 and exp(0) is 1."),
    ),
    answer="blue_to_itself = 7.389 / (7.389 + 2.718 + 3 * 1)",
)

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value)


def _scaled(by: Callable[[Tensor, Tensor], float], dim: int = -1) -> Attend:
    """Attention whose scores are divided by by(query, key), with the softmax over another axis."""
    return lambda query, key, value: ((query @ key.mT) / by(query, key)).softmax(dim=dim) @ value


def _root_of_width(query: Tensor, key: Tensor) -> float:
    return query.shape[-1] ** 0.5


def _weights(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return (query @ key.mT / query.shape[-1] ** 0.5).softmax(dim=-1)


def _causal(diagonal: Callable[[int, int], int]) -> Attend:
    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        queries, keys = query.shape[-2], key.shape[-2]
        mask = torch.ones(queries, keys, dtype=torch.bool).tril(diagonal(queries, keys))
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)

    return attend


def _tokens_in_heads() -> tuple[tuple[Tensor, ...], ...]:
    """Queries, keys and values of (batch, heads, N or M, d): first a few to read, last with five different numbers."""
    generator = torch.Generator().manual_seed(7)
    return tuple(
        tuple(torch.randn(batch, heads, count, width, generator=generator) for count in (queries, keys, keys))
        for batch, heads, queries, keys, width in [(1, 1, 1, 3, 2), (1, 2, 3, 3, 4), (2, 3, 4, 5, 6)]
    )


_CAUSAL = N_("You masked later keys, as a language model does. Here every query may look at every key.")
_AFTER = N_("You scaled after the softmax. The scale belongs to the scores: it keeps the softmax from a single winner.")

attend = Exercise(
    number="4.2",
    examine=FunctionCheck(
        right=_attend,
        cases=_tokens_in_heads(),
        result=Values("(B, heads, N, d)"),
        mistakes=(
            (
                _scaled(lambda query, key: 1),
                N_(
                    "You left out the scale: divide the scores by the square root of the head width before the softmax."
                ),
            ),
            (
                _scaled(lambda query, key: query.shape[-1]),
                N_("You divided by the head width; the scale is its square root."),
            ),
            (
                _scaled(lambda query, key: 2),
                N_("You divided by 2. That is √d for the lesson's d = 4 only: take d from the shape of the query."),
            ),
            (
                _scaled(lambda query, key: (query.shape[1] * query.shape[-1]) ** 0.5),
                N_(
                    "You scaled by the width of the model, heads × head width. The sum runs over one head, so its "
                    "width counts."
                ),
            ),
            (
                _scaled(lambda query, key: query.shape[-2] ** 0.5),
                N_("You scaled by the number of queries. A score is a sum over the d numbers of a head, so √d counts."),
            ),
            (
                _scaled(lambda query, key: key.shape[-2] ** 0.5),
                N_("You scaled by the number of keys. A score is a sum over the d numbers of a head, so √d counts."),
            ),
            (
                _scaled(lambda query, key: query.shape[-1] ** -0.5),
                N_("You multiplied by √d; divide by it, so that wide heads do not get larger scores."),
            ),
            (
                lambda query, key, value: (query @ key.mT).softmax(dim=-1) / query.shape[-1] ** 0.5 @ value,
                _AFTER,
            ),
            (
                _scaled(_root_of_width, dim=-2),
                N_(
                    "Your softmax runs over the queries (dim=-2). The weights of one query over all keys must sum to 1."
                ),
            ),
            (
                _scaled(_root_of_width, dim=1),
                N_("Your softmax runs over the heads (dim=1). The weights of one query over all keys must sum to 1."),
            ),
            (
                lambda query, key, value: _attend(query, key, key),
                N_("You mixed the keys. The keys decide the weights; what is mixed with them are the values."),
            ),
            (
                lambda query, key, value: query @ key.mT / query.shape[-1] ** 0.5 @ value,
                N_("There is no softmax: scores can be negative and do not sum to 1."),
            ),
            (_causal(lambda queries, keys: 0), _CAUSAL),
            (_causal(lambda queries, keys: keys - queries), _CAUSAL),
            (_weights, N_("You returned the weights. One operation is left: they say how to mix the values.")),
        ),
        look=N_("Print the weights of one query: softmax(scores / √d) over the keys."),
        ruled_out=RuledOut(
            N_(
                "You called attention that is there already, torch's, the course's or another library's. Write its "
                "four operations yourself: scores, scale, softmax, mix."
            ),
            torch="attention|multi_head",
            packages=LIBRARIES,
        ),
    ),
    praise=N_("It equals torch's fused attention, for several heads and for more keys than queries."),
    hints=(
        N_("key.transpose(-2, -1) exchanges the last two axes and leaves batch and heads alone."),
        N_("Scores, times query.shape[-1] ** -0.5, softmax(dim=-1), times the values."),
    ),
    answer="""def attend(query, key, value):
    scores = query @ key.transpose(-2, -1)
    weights = (scores / query.shape[-1] ** 0.5).softmax(dim=-1)
    return weights @ value""",
)


def _sequence(pictures: int, words: int) -> list[Token]:
    return tokens_of((N_("picture token"), pictures), (N_("word"), words))


def _may_look(looker: Token, seen: Token) -> bool:
    return seen.kind == "picture token" or (looker.kind == "word" and seen.place <= looker.place)


def _why(looker: Token, seen: Token) -> str:
    if seen.kind == "picture token":
        return _("The picture is there at once: every token may look at all of it.")
    if looker.kind == "picture token":
        return _("Words come later than the picture, and what they say must not leak into it.")
    if seen.place > looker.place:
        return _("It should help to predict that word, and would only have to read it.")
    return _("A word sees itself and the words before it: the diagonal belongs to a causal mask.")


prefix_mask = Exercise(
    number="4.3",
    examine=mask_check(_sequence, _may_look, _why, cases=((1, 1), (2, 1), (1, 2), (3, 2), (2, 4))),
    praise=N_("The picture as a whole, then words one by one: the mask of a language model that sees."),
    hints=(
        N_("Which part of the mask is the causal one you know?"),
        N_("Begin with a causal mask for everything; then allow every row to see the first columns."),
    ),
    answer="""import torch

def make_mask(pictures, words):
    count = pictures + words
    mask = torch.ones(count, count, dtype=torch.bool).tril()
    mask[:, :pictures] = True
    return mask""",
)
