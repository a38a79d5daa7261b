"""Exercises of lesson 06: how vision meets language."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vlmteach.course.exercises.exercise import Exercise, Wrong
from vlmteach.nn import GatedCrossAttention, VisualTokens, whole_picture


def _may_look(row: int, column: int, first: int) -> bool:
    """The rule in words: everybody sees picture and question; the answer also sees itself and what came before."""
    return column < first or (row >= first and column <= row)


def _examine_mask(who_sees_whom: Callable[[int, int, int], Tensor]) -> None:
    for picture, question, answer in [(3, 2, 2), (1, 1, 1), (4, 3, 5), (2, 1, 4)]:
        mask, length, first = who_sees_whom(picture, question, answer), picture + question + answer, picture + question
        case = f"For {picture} picture, {question} question and {answer} answer tokens"
        if not isinstance(mask, Tensor):
            raise Wrong(f"Your function returned a {type(mask).__name__}; expected a tensor.")
        if mask.dtype != torch.bool:
            raise Wrong(
                f"Your mask holds {mask.dtype}; expected torch.bool. A mask of 0 and 1 becomes one with .bool()."
            )
        if mask.shape != (length, length):
            raise Wrong(f"{case} your mask is {tuple(mask.shape)}; expected one row and one column for each token.")
        right = torch.tensor([[_may_look(row, column, first) for column in range(length)] for row in range(length)])
        if not torch.equal(mask, right):
            raise Wrong(f"{case}: {_name_mask_mistake(mask, right, picture, first)}")


def _name_mask_mistake(mask: Tensor, right: Tensor, picture: int, first: int) -> str:
    if torch.equal(mask, ~right):
        return "every entry is turned round. Here True means may look; nn.MultiheadAttention has it the other way."
    if torch.equal(mask, right.T):
        return "rows and columns are exchanged. A row is the token that looks, a column the token it looks at."
    if torch.equal(mask, torch.ones_like(mask).tril()):
        return "this is the causal mask. Picture and question should see each other, also what comes later in them."
    if mask[first:, first:].triu(1).any():
        return "the answer can look ahead in itself and read the word it should predict."
    if mask[:first, first:].any():
        return "picture or question see the answer, and so hand it on to the words that should predict it."
    if not mask[:picture, picture:first].all():
        return "the picture does not see all of the question. In a prefix-LM mask both look both ways."
    row, column = (mask != right).nonzero()[0].tolist()
    yours = "may not" if right[row, column] else "may"
    return f"token {row} {yours} look at token {column} in your mask; it should be the other way."


mask = Exercise(
    number="6.1",
    examine=_examine_mask,
    praise="Picture and question see each other, and no word of the answer looks ahead.",
    hints=(
        "Start with the causal mask. Which columns become True for every row?",
        "torch.ones(n, n, dtype=torch.bool).tril() is causal. All columns of picture and question may be seen by all.",
    ),
    answer="""def who_sees_whom(picture, question, answer):
    length = picture + question + answer
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    mask[:, : picture + question] = True
    return mask""",
)


def _examine_projector_size(count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, (int, float)):
        raise Wrong(f"Your answer is a {type(count).__name__}; expected a number.")
    known = {
        1024 * 4096 + 4096: "That is the first linear layer only; a second one follows the GELU.",
        1024 * 4096
        + 4096 * 4096: "You counted the weights. Each layer also has one bias for each of its 4096 outputs.",
        2
        * (
            1024 * 4096 + 4096
        ): "The second layer does not start from 1024 again: its inputs are the first one's outputs.",
        (1024 * 1024 + 1024) + (1024 * 4096 + 4096): "The first layer already goes to 4096; you kept it at 1024.",
        1024 * 4096: "That is the number of weights of the first layer.",
        576
        * (1024 * 4096 + 4096 + 4096 * 4096 + 4096): "You counted once for each token. All tokens share one projector.",
    }
    if count in known:
        raise Wrong(known[int(count)])
    if count != 1024 * 4096 + 4096 + 4096 * 4096 + 4096:
        raise Wrong(f"{count} is not it. Count 1024 to 4096, then 4096 to 4096, weights and biases.")


projector_size = Exercise(
    number="6.2",
    examine=_examine_projector_size,
    praise="21 million, four fifths of them in the second layer: small beside an encoder of 300 million.",
    hints=(
        "A linear layer from a to b learns a * b + b numbers. The GELU learns none.",
        "The first layer goes from 1024 to 4096, the second from 4096 to 4096.",
    ),
    answer="numbers_in_llavas_projector = (1024 * 4096 + 4096) + (4096 * 4096 + 4096)",
)


def _examine_gate(wake: Callable[[GatedCrossAttention], object]) -> None:
    generator = torch.Generator().manual_seed(6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        layer = GatedCrossAttention(16, 32, num_heads=4)
        nn.init.zeros_(layer.attend.proj.weight)
        nn.init.zeros_(layer.attend.proj.bias)
        wake(layer)
    text = torch.randn(4, 3, 32, generator=generator)
    change = (layer(_pictures(4, generator), text) - text).abs().max().item()
    if layer.mlp_gate.item() != 0:
        raise Wrong(
            "The MLP's gate is open, so the text is changed at the start whatever the picture. Leave it at zero."
        )
    if change > 1e-6:
        raise Wrong(
            "Your layer changes the text at the start: both factors are now different from zero. A product is zero as "
            "long as one of them is."
        )
    if not _learns(layer, generator):
        raise Wrong(
            "The text is unchanged, but after 60 steps it still ignores the picture. The gate's gradient is what "
            "the attention gives, and the attention's is a multiple of the gate: one of the two must not be zero."
        )


def _learns(layer: GatedCrossAttention, generator: torch.Generator) -> bool:
    """Whether 60 steps on pictures that matter bring the error to half of what it is without a picture."""
    secret = torch.randn(16, 32, generator=generator) / 2
    optimiser = torch.optim.AdamW(layer.parameters(), lr=2e-2)
    for _ in range(60):
        visual, text = _pictures(32, generator), torch.randn(32, 3, 32, generator=generator)
        needed = visual.tokens.mean(dim=1, keepdim=True) @ secret
        error = F.mse_loss(layer(visual, text), text + needed)
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    return error.item() < needed.square().mean().item() / 2


def _pictures(count: int, generator: torch.Generator) -> VisualTokens:
    return whole_picture(torch.randn(count, 5, 16, generator=generator))


gate = Exercise(
    number="6.3",
    examine=_examine_gate,
    praise="One factor is zero, so the text is unchanged; the other is not, so a gradient gets through.",
    hints=(
        "The layer adds tanh(gate) * projection(...). For a product to be zero, one factor is enough.",
        "Either give the projection's weight small random numbers (nn.init), or open layer.gate and nothing else.",
    ),
    answer="""def wake(layer):
    nn.init.xavier_uniform_(layer.attend.proj.weight)""",
)
