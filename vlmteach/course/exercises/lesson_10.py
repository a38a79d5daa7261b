"""Exercises of lesson 10: real encoders, your own picture."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vlmteach.course.exercises.checks import ChoiceCheck, FunctionCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Indices, Number
from vlmteach.language import N_


def _tokens_handed(height: int, width: int, patch: int, num_prefix_tokens: int) -> int:
    patches = [(top, left) for top in range(0, height, patch) for left in range(0, width, patch)]
    return len(patches) + num_prefix_tokens


tokens_handed = Exercise(
    number="10.1",
    examine=FunctionCheck(
        right=_tokens_handed,
        cases=((32, 64, 16, 0), (32, 64, 16, 1), (224, 448, 32, 1), (224, 224, 14, 5), (336, 336, 14, 1)),
        result=Number(N_("a number of tokens")),
        mistakes=(
            (
                lambda height, width, patch, num_prefix_tokens: (height / patch) * (width / patch),
                N_("You left out the tokens in front; they are returned too."),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: (height / patch) ** 2 + num_prefix_tokens,
                N_("You used the height twice. The picture need not be square: rows and columns differ."),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: (width / patch) ** 2 + num_prefix_tokens,
                N_("You used the width twice. The picture need not be square: rows and columns differ."),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: height * width / patch + num_prefix_tokens,
                N_(
                    "You divided by the patch once. A patch is as wide as it is tall, so it covers patch × patch "
                    "pixels."
                ),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: height / patch + width / patch + num_prefix_tokens,
                N_("You added rows and columns; multiply rows by columns."),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: (height / patch) * (width / patch) + 1,
                N_(
                    "You added one token, whatever `num_prefix_tokens` is. Some models have CLS and registers in "
                    "front, some none."
                ),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: (
                    (height / patch) * (width / patch) + 2 * num_prefix_tokens
                ),
                N_("You counted the tokens in front twice."),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: (height / patch) * (width / patch + num_prefix_tokens),
                N_("You counted the tokens in front once for each row of patches. They come once, before all patches."),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: (height / patch) * (width / patch) * num_prefix_tokens,
                N_("You multiplied by the number of tokens in front; they are added once."),
            ),
            (
                lambda height, width, patch, num_prefix_tokens: (
                    (height / patch + num_prefix_tokens) * (width / patch + num_prefix_tokens)
                ),
                N_("You counted the tokens in front along both sides. They come once, before all patches."),
            ),
        ),
    ),
    praise=N_("A picture twice as wide costs twice as many patches; the tokens in front are paid for only once."),
    hints=(
        N_("How many patches fit along the height, and how many along the width?"),
        N_("Do not forget CLS and registers."),
    ),
    answer="""def tokens_handed(height, width, patch, num_prefix_tokens):
    return (height // patch) * (width // patch) + num_prefix_tokens""",
)

# Directions and lengths chosen so that cosine, its absolute value, the cosine of centred tokens, dot product and
# distance each give another order. By angle, token 0 is nearest to 1, 4, 2, 3, 5: 0°, 24°, 34°, 56°, 180°.
_TOKENS = torch.tensor([[2.0, 0.0], [0.3, 0.0], [30.0, 20.0], [1.0, 1.5], [2.0, -0.9], [-1.0, 0.0]])


def _most_alike(tokens: Tensor, index: int, k: int) -> Tensor:
    """By the angle between two tokens, in Python's own numbers."""

    def angle(other: int) -> float:
        one, two = tokens[index].tolist(), tokens[other].tolist()
        return math.acos(
            min(1.0, sum(a * b for a, b in zip(one, two, strict=True)) / math.hypot(*one) / math.hypot(*two))
        )

    return torch.tensor(sorted((i for i in range(len(tokens)) if i != index), key=angle)[:k])


def _ranked(likeness: Callable[[Tensor, int], Tensor], itself: bool = False) -> Callable[[Tensor, int, int], Tensor]:
    """The k tokens of the largest likeness(tokens, index), with or without the token itself."""

    def ranked(tokens: Tensor, index: int, k: int) -> Tensor:
        scores = likeness(tokens, index)
        if not itself:
            scores[index] = -torch.inf
        return scores.argsort(descending=True)[:k]

    return ranked


def _cosine(tokens: Tensor, index: int) -> Tensor:
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    return unit @ unit[index]


def _with_cosines(tokens: Tensor, index: int, found: Tensor) -> Tensor:
    return torch.stack([_cosine(tokens, index)[found], found])


most_alike = Exercise(
    number="10.2",
    examine=FunctionCheck(
        right=_most_alike,
        cases=((_TOKENS[[0, 3, 4]], 0, 1), (_TOKENS, 0, 3), (_TOKENS, 0, 1), (_TOKENS, 0, 5), (_TOKENS, 3, 1)),
        result=Indices("(k,), indices with the nearest first"),
        mistakes=(
            (_ranked(_cosine, itself=True), N_("The token itself is among them; leave it out.")),
            (
                lambda tokens, index, k: _most_alike(tokens, index, k).flip(0),
                N_("These are the right ones in reverse; the nearest comes first."),
            ),
            (
                lambda tokens, index, k: _most_alike(tokens, index, k).sort().values,
                N_("These are the right ones, sorted by index; the nearest comes first."),
            ),
            (
                _ranked(lambda tokens, index: tokens @ tokens[index]),
                N_("These have the largest dot products; a long token wins that without pointing the same way."),
            ),
            (
                _ranked(lambda tokens, index: -(tokens - tokens[index]).norm(dim=-1)),
                N_("These have the smallest distances; the cosine looks at directions only."),
            ),
            (
                _ranked(lambda tokens, index: -_cosine(tokens, index)),
                N_("These are the least alike; a large cosine means similar tokens."),
            ),
            (
                _ranked(lambda tokens, index: _cosine(tokens, index).abs()),
                N_("You took the cosine without its sign. A token that points the opposite way is not alike."),
            ),
            (
                _ranked(lambda tokens, index: _cosine(tokens - tokens.mean(dim=0), index)),
                N_(
                    "You subtracted the mean token first, as the lesson's `likeness` does. Here the cosine is not "
                    "centred."
                ),
            ),
            (lambda tokens, index, k: _most_alike(tokens, 0, k), N_("These are nearest to token 0; use index.")),
            (
                lambda tokens, index, k: _with_cosines(tokens, index, _most_alike(tokens, index, k)),
                N_("You returned the cosines and the indices, as topk gives them; return the indices alone."),
            ),
            (
                lambda tokens, index, k: _cosine(tokens, index)[_most_alike(tokens, index, k)],
                N_("These are the cosines; return the indices of the tokens."),
            ),
        ),
        look=N_("The cosine is the dot product of two tokens, each divided by its length."),
    ),
    praise=N_("The direction of a token says what it is about; its length plays no part."),
    hints=(
        N_("Divide every token by its length; then the dot product is the cosine."),
        N_("Set the token's own cosine to something that can never win before you sort."),
    ),
    answer="""import torch
from torch.nn import functional as F

def most_alike(tokens, index, k):
    unit = F.normalize(tokens, dim=-1)
    cosine = unit @ unit[index]
    cosine[index] = -torch.inf
    return cosine.argsort(descending=True)[:k]""",
)

_ANY_WEIGHTS = N_("It holds for any weights: it counts, bounds, or says what is possible.")
_DONE = N_("It is about what a network does, not about what it can do; untrained weights cannot show it.")

decided_by = Exercise(
    number="10.3",
    examine=ChoiceCheck(
        name="decided_by",
        key=N_("sentence"),
        words=("architecture", "weights"),
        right={
            "DINOv2 returns 261 tokens at 224 x 224": ("architecture", _ANY_WEIGHTS),
            "a unit of ResNet-50's first stage cannot see the whole picture": ("architecture", _ANY_WEIGHTS),
            "the token of one eye is most like the token of the other eye": ("weights", _DONE),
            "a head of the first layer looks only at its neighbours": ("weights", _DONE),
            "CLIP's ResNet-50 can weigh any cell of its grid against any other": ("architecture", _ANY_WEIGHTS),
        },
    ),
    praise=N_("What a network can do belongs to its architecture; what it does, to its weights."),
    hints=(N_("Ask of each sentence: could other weights in the same network make it false?"),),
    answer="""decided_by = {
    "DINOv2 returns 261 tokens at 224 x 224": "architecture",
    "a unit of ResNet-50's first stage cannot see the whole picture": "architecture",
    "the token of one eye is most like the token of the other eye": "weights",
    "a head of the first layer looks only at its neighbours": "weights",
    "CLIP's ResNet-50 can weigh any cell of its grid against any other": "architecture",
}""",
)
