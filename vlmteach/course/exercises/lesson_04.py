"""Exercises of lesson 04: attention, one number at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmteach.course.exercises.exercise import Exercise, NotThis, Wrong, as_number

TOLERANCE = 1e-5
NO_ATTENTION = dict.fromkeys(
    ("scaled_dot_product_attention", "multi_head_attention_forward"),
    "You called torch's attention. Write its four operations yourself: scores, scale, softmax, mix.",
)


def _examine_weight(answer: object) -> None:
    weight = as_number(answer, "a number between 0 and 1")
    e = math.e
    known = {
        e**2 / (e**2 + 2 * e + 3): "You kept token 4. Without it, one number less is in the sum of the row.",
        e**4 / (e**4 + e**2 + 3): "You left out the scale: the scores are divided by √4 before the exponential.",
        e / (e + e**0.5 + 3): "You divided by 4; the scale is its square root, 2.",
        2 / 3: "You divided the scaled scores by their sum. Softmax takes exponentials first, so a 0 gets weight too.",
        e**2 / (e**2 + e): "You left the zeros out. A score of 0 still gets a share: exp(0) is 1.",
        1 / 5: "That is an even spread over five tokens. Are all the scores of this row equal?",
        e**2: "That is the exponential. Divide it by the sum of the row, so that the weights sum to 1.",
    }
    for value, sentence in known.items():
        if abs(weight - value) < 0.005:
            raise Wrong(sentence)
    if abs(weight - e**2 / (e**2 + e + 3)) > 0.005:
        raise Wrong(f"{weight} is not it. One scaled score of this row is 2, one is 1, three are 0; start from there.")


weight_by_hand = Exercise(
    number="4.1",
    examine=_examine_weight,
    praise="7.39 / (7.39 + 2.72 + 3 · 1) = 0.56: its scores are the old ones, but fewer tokens share.",
    hints=(
        "Its scaled scores are in section 3, row 2. Which of them stay in the sum?",
        "One scaled score is 2, one is 1, three are 0; exp(2) is 7.39, exp(1) is 2.72 and exp(0) is 1.",
    ),
    answer="blue_to_itself = 7.389 / (7.389 + 2.718 + 3 * 1)",
)


def _examine_attend(attend: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(7)
    for batch, heads, queries, keys, width in [(2, 3, 4, 5, 6), (1, 2, 3, 3, 4)]:
        query, key, value = (
            torch.randn(batch, heads, count, width, generator=generator) for count in (queries, keys, keys)
        )
        expected = F.scaled_dot_product_attention(query, key, value)
        with NotThis(NO_ATTENTION):
            output = attend(query.clone(), key.clone(), value.clone())
        if isinstance(output, tuple):
            raise Wrong(f"Your function returned {len(output)} things; expected the output alone.")
        if not isinstance(output, Tensor):
            raise Wrong(f"Your function returned a {type(output).__name__}; expected a tensor.")
        if output.shape == (batch, heads, queries, keys) and output.shape != expected.shape:
            raise Wrong("You returned the weights. One operation is left: they say how to mix the values.")
        if output.shape != expected.shape:
            raise Wrong(
                f"{queries} queries and {keys} keys gave shape {tuple(output.shape)}; expected "
                f"{tuple(expected.shape)}: one mixed value for each query."
            )
        if not torch.allclose(output, expected, atol=TOLERANCE):
            raise Wrong(_name_attend_mistake(output, query, key, value))


def _name_attend_mistake(output: Tensor, query: Tensor, key: Tensor, value: Tensor) -> str:
    heads, width = query.shape[1], query.shape[-1]
    scores = query @ key.transpose(-2, -1)
    mistakes = {
        "You left out the scale: divide the scores by the square root of the head width before the softmax.": (
            scores.softmax(dim=-1) @ value
        ),
        "You divided by the head width; the scale is its square root.": (scores / width).softmax(dim=-1) @ value,
        "You scaled by the width of the model, heads × head width. The sum runs over one head, so its width counts.": (
            (scores / (heads * width) ** 0.5).softmax(dim=-1) @ value
        ),
        "Your softmax runs over the queries (dim=-2). The weights of one query over all keys must sum to 1.": (
            (scores / width**0.5).softmax(dim=-2) @ value
        ),
        "You mixed the keys. The keys decide the weights; what is mixed with them are the values.": (
            (scores / width**0.5).softmax(dim=-1) @ key
        ),
        "There is no softmax: scores can be negative and do not sum to 1.": scores / width**0.5 @ value,
    }
    for sentence, wrong in mistakes.items():
        if torch.allclose(output, wrong, atol=TOLERANCE):
            return sentence
    return "The shape is right, the numbers are not. Print the weights of one query: do they sum to 1?"


attend = Exercise(
    number="4.2",
    examine=_examine_attend,
    praise="It equals torch's fused attention, for several heads and for more keys than queries.",
    hints=(
        "key.transpose(-2, -1) exchanges the last two axes and leaves batch and heads alone.",
        "Scores, times query.shape[-1] ** -0.5, softmax(dim=-1), times the values.",
    ),
    answer="""def attend(query, key, value):
    scores = query @ key.transpose(-2, -1)
    weights = (scores / query.shape[-1] ** 0.5).softmax(dim=-1)
    return weights @ value""",
)


def _examine_mask(make_mask: Callable[[int, int], Tensor]) -> None:
    for pictures, words in [(3, 2), (2, 4), (1, 1)]:
        count = pictures + words
        mask = make_mask(pictures, words)
        if not isinstance(mask, Tensor):
            raise Wrong(f"Your function returned a {type(mask).__name__}; expected a tensor of True and False.")
        if mask.dtype != torch.bool:
            raise Wrong(f"Your mask holds {mask.dtype}; expected torch.bool. Numbers would be added to the scores.")
        if mask.shape != (count, count):
            raise Wrong(
                f"Shape {tuple(mask.shape)} for {pictures} picture tokens and {words} words; expected "
                f"{(count, count)}: a row for each query, a column for each key."
            )
        expected = torch.tensor(
            [[key < pictures or (query >= pictures and key <= query) for key in range(count)] for query in range(count)]
        )
        if not torch.equal(mask, expected):
            raise Wrong(_name_mask_mistake(mask, expected, pictures, words))


def _name_mask_mistake(mask: Tensor, expected: Tensor, pictures: int, words: int) -> str:
    count = pictures + words
    among_words, causal = mask[pictures:, pictures:], torch.ones(words, words, dtype=torch.bool).tril()
    if torch.equal(mask, ~expected):
        return "Your mask is upside down: here True means may attend. (In nn.MultiheadAttention it means blocked.)"
    if torch.equal(mask, torch.ones(count, count, dtype=torch.bool).tril()):
        return "That is a causal mask for everything. The picture is there at once: its tokens may see each other."
    if torch.equal(mask, expected.T):
        return "Rows and columns are exchanged: rows are queries, which ask; columns are keys, which are seen."
    if mask[:pictures, pictures:].any():
        return "A picture token may see a word. Then the answer could leak into the picture; leave that corner False."
    if not mask[pictures:, :pictures].all():
        return "A word may not see the whole picture. Every word comes after it and may look at all of it."
    if words > 1 and not among_words.triu(1).logical_not().all():
        return "A word may see later words, which it is supposed to predict."
    if not torch.equal(among_words, causal):
        return "A word does not see itself, or misses an earlier word. The diagonal belongs to a causal mask."
    return "The picture's tokens should all see each other."


prefix_mask = Exercise(
    number="4.3",
    examine=_examine_mask,
    praise="The picture as a whole, then words one by one: the mask of a language model that sees.",
    hints=(
        "Which part of the mask is the causal one you know?",
        "Begin with a causal mask for everything; then allow every row to see the first columns.",
    ),
    answer="""import torch

def make_mask(pictures, words):
    count = pictures + words
    mask = torch.ones(count, count, dtype=torch.bool).tril()
    mask[:, :pictures] = True
    return mask""",
)
