"""Exercises of lesson 07: how vision meets language."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vlmteach.course.exercises.checks import NumberCheck
from vlmteach.course.exercises.exercise import Exercise, Raised, Wrong, told
from vlmteach.course.exercises.masks import Token, mask_check, tokens_of
from vlmteach.course.exercises.ruled_out import ITS_OWN
from vlmteach.course.exercises.student import Student, same
from vlmteach.language import N_, _
from vlmteach.nn import GatedCrossAttention, VisualTokens, whole_picture

ANSWER = N_("answer token")


def _sequence(picture: int, question: int, answer: int) -> list[Token]:
    return tokens_of((N_("picture token"), picture), (N_("question token"), question), (ANSWER, answer))


def _may_look(looker: Token, seen: Token) -> bool:
    return seen.kind != ANSWER or (looker.kind == ANSWER and seen.place <= looker.place)


def _why(looker: Token, seen: Token) -> str:
    if seen.kind != ANSWER:
        return N_("Picture and question are there at once: every token may look at all of them.")
    if looker.kind != ANSWER:
        return N_("Picture and question would pass the answer on to the words that should predict it.")
    if seen.place > looker.place:
        return N_("The answer would look ahead in itself and read what it should predict.")
    return N_("The answer sees itself and what came before in it.")


mask = Exercise(
    number="7.1",
    examine=mask_check(
        _sequence, _may_look, _why, cases=((1, 1, 1), (1, 1, 2), (3, 2, 2), (4, 3, 5), (2, 1, 4)), ruled_out=ITS_OWN
    ),
    praise=N_("Picture and question see each other, and no word of the answer looks ahead."),
    hints=(
        N_("Start with the causal mask. Which columns become True for every row?"),
        N_(
            "torch.ones(n, n, dtype=torch.bool).tril() is causal. All columns of picture and question may be seen by "
            "all."
        ),
    ),
    answer="""import torch

def who_sees_whom(picture, question, answer):
    length = picture + question + answer
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    mask[:, : picture + question] = True
    return mask""",
)


def projector_size_for(visual: int, words: int) -> Exercise:
    """Exercise 7.2 for a connector between other widths."""
    first, second = visual * words + words, words * words + words
    return Exercise(
        number="7.2",
        examine=NumberCheck(
            right=first + second,
            what=N_("a number"),
            mistakes={
                first: N_("That is the first linear layer only; a second one follows the GELU."),
                second: N_("That is the second linear layer only; a first one comes before the GELU."),
                visual * words + words * words: N_(
                    "You counted the weights. Each layer also has one bias for each of its {words} outputs.",
                    words=words,
                ),
                first + words * words: N_("The second layer has a bias for each of its outputs too."),
                2 * first: N_(
                    "The second layer does not start from {visual} again: its inputs are the first one's outputs.",
                    visual=visual,
                ),
                (visual * visual + visual) + first: N_(
                    "The first layer already goes to {words}; you kept it at {visual}.", words=words, visual=visual
                ),
                visual * words: N_("That is the number of weights of the first layer."),
                576 * (first + second): N_("You counted once for each token. All tokens share one projector."),
            },
            look=N_(
                "Count {visual} to {words}, then {words} to {words}, weights and biases.", visual=visual, words=words
            ),
        ),
        praise=N_(
            "{millions:.0f} million, {share:.0%} of them in the second layer: small beside an encoder of 300 million.",
            millions=(first + second) / 1e6,
            share=second / (first + second),
        ),
        hints=(
            N_("A linear layer from a to b has a * b + b parameters. The GELU has none."),
            N_(
                "The first layer goes from {visual} to {words}, the second from {words} to {words}.",
                visual=visual,
                words=words,
            ),
        ),
        answer=f"numbers_in_llavas_projector = ({visual} * {words} + {words}) + ({words} * {words} + {words})",
    )


projector_size = projector_size_for(visual=1024, words=4096)


def _examine_gate(wake: Callable[[GatedCrossAttention], object]) -> None:
    student = Student(wake, ("layer",))
    generator = torch.Generator().manual_seed(6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        layer = GatedCrossAttention(16, 32, num_heads=4)
        nn.init.zeros_(layer.attend.proj.weight)
        nn.init.zeros_(layer.attend.proj.bias)
        before = copy.deepcopy(layer.state_dict())
        returned = student.call(layer)
    if isinstance(returned, nn.Module) and returned is not layer and same(before, layer.state_dict()):
        raise Wrong(
            _("You returned another layer and left the one you were given as it was. Change that one, in place.")
        )
    try:
        _examine_woken(layer, generator)
    except Wrong:
        raise
    except Exception as error:
        raise Raised(_("After your change the layer does not run any more: {error}", error=told(error))) from error


def _examine_woken(layer: GatedCrossAttention, generator: torch.Generator) -> None:
    visual, text = _pictures(4, generator), torch.randn(4, 3, 32, generator=generator)
    if not _unchanged(layer, visual, text):
        closed = copy.deepcopy(layer)
        nn.init.zeros_(closed.mlp_gate)
        raise Wrong(
            _(
                "The MLP's gate is open and the MLP gives something, so the text is changed at the start whatever "
                "the picture. Leave one of the two at zero."
            )
            if _unchanged(closed, visual, text)
            else _(
                "Your layer changes the text at the start: the gate and the projection are now both different from "
                "zero. A product is zero as long as one of them is."
            )
        )
    if not _learns(layer, generator):
        raise Wrong(
            _(
                "The text is unchanged, but after 60 steps it still ignores the picture. The gate's gradient is what "
                "the attention gives, and the attention's is a multiple of the gate: one of the two must not be zero."
            )
        )


def _unchanged(layer: GatedCrossAttention, visual: VisualTokens, text: Tensor) -> bool:
    return (layer(visual, text) - text).abs().max().item() <= 1e-6


def _learns(layer: GatedCrossAttention, generator: torch.Generator) -> bool:
    """Whether 60 steps on pictures that matter bring the error to half of what it is without a picture."""
    secret = torch.randn(16, 32, generator=generator) / 2
    optimiser = torch.optim.AdamW(layer.parameters(), lr=2e-2)
    for _step in range(60):
        visual, text = _pictures(32, generator), torch.randn(32, 3, 32, generator=generator)
        needed = visual.tokens.mean(dim=1, keepdim=True) @ secret
        error = F.mse_loss(layer(visual, text), text + needed)
        if not error.requires_grad:
            return False
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    return error.item() < needed.square().mean().item() / 2


def _pictures(count: int, generator: torch.Generator) -> VisualTokens:
    return whole_picture(torch.randn(count, 5, 16, generator=generator))


gate = Exercise(
    number="7.3",
    examine=_examine_gate,
    praise=N_("One factor is zero, so the text is unchanged; the other is not, so a gradient gets through."),
    hints=(
        N_("The layer adds tanh(gate) * projection(...). For a product to be zero, one factor is enough."),
        N_("Either give the projection's weight small random numbers (nn.init), or open layer.gate and nothing else."),
    ),
    answer="""from torch import nn

def wake(layer):
    nn.init.xavier_uniform_(layer.attend.proj.weight)""",
)
