"""Exercises of lesson 11: real VLMs, opened."""

from __future__ import annotations

import torch
from torch import nn

from vlmteach.course.exercises.checks import ChoiceCheck, FunctionCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Number
from vlmteach.language import N_

MERGED = 28  # pixels that a token of Qwen2.5-VL covers, each way: a patch of 14, merged 2 x 2


def _nearest(side: int) -> int:
    return min(range(1, side), key=lambda count: abs(MERGED * count - side))


def _native_tokens(height: int, width: int) -> int:
    return sum(1 for _ in range(_nearest(height)) for _ in range(_nearest(width)))


native_tokens = Exercise(
    number="11.1",
    examine=FunctionCheck(
        right=_native_tokens,
        cases=((56, 84), (336, 336), (340, 700), (896, 896), (1650, 1275)),
        result=Number(N_("a number of tokens")),
        mistakes=(
            (
                lambda height, width: 4 * round(height / 28) * round(width / 28),
                N_("You counted patches. Four neighbours are merged into one token before the language model."),
            ),
            (
                lambda height, width: (height // 14) * (width // 14),
                N_(
                    "You counted whole patches of 14 pixels. The picture is rounded to 28, and four patches are merged."
                ),
            ),
            (
                lambda height, width: (height // 28) * (width // 28),
                N_("You rounded down. The picture is resized to the nearest multiple of 28, not cropped."),
            ),
            (
                lambda height, width: -(-height // 28) * -(-width // 28),
                N_("You rounded up, as if the picture were padded. It is resized to the nearest multiple of 28."),
            ),
            (
                lambda height, width: round(height / 28) ** 2,
                N_("You used the height twice. A page is not square: rows and columns differ."),
            ),
            (
                lambda height, width: round(width / 28) ** 2,
                N_("You used the width twice. A page is not square: rows and columns differ."),
            ),
            (
                lambda height, width: round(height * width / 28),
                N_("You divided by 28 once. A token covers 28 x 28 pixels."),
            ),
            (
                lambda height, width: round(height * width / 28**2),
                N_("Round each side first: rows and columns are whole."),
            ),
            (
                lambda height, width: round(height / 28) + round(width / 28),
                N_("You added rows and columns; multiply them."),
            ),
        ),
    ),
    praise=N_("Native resolution means that a page of text pays for its size, and a thumbnail pays next to nothing."),
    hints=(
        N_("How many tokens fit along the height when each covers 28 pixels?"),
        N_("round(height / 28) rows and round(width / 28) columns."),
    ),
    answer="""def native_tokens(height, width):
    return round(height / 28) * round(width / 28)""",
)


def _lora_parameters(inputs: int, outputs: int, rank: int) -> int:
    down, up = nn.Parameter(torch.empty(inputs, rank)), nn.Parameter(torch.empty(rank, outputs))
    return down.numel() + up.numel()


lora_parameters = Exercise(
    number="11.2",
    examine=FunctionCheck(
        right=_lora_parameters,
        cases=((2, 3, 1), (64, 64, 4), (64, 256, 4), (4096, 11008, 8)),
        result=Number(N_("a number of parameters")),
        mistakes=(
            (
                lambda inputs, outputs, rank: inputs * outputs,
                N_("Those are the layer's own weights. They stay frozen."),
            ),
            (
                lambda inputs, outputs, rank: inputs * outputs + rank * (inputs + outputs),
                N_("You counted the layer's own weights as well. They stay frozen; only the two thin matrices learn."),
            ),
            (
                lambda inputs, outputs, rank: rank * inputs * outputs,
                N_("You multiplied all three. There are two matrices, and each has the rank on one side."),
            ),
            (lambda inputs, outputs, rank: rank * inputs, N_("That is the first matrix alone; a second one leads up.")),
            (
                lambda inputs, outputs, rank: rank * outputs,
                N_("That is the second matrix alone; a first one leads down to the rank."),
            ),
            (
                lambda inputs, outputs, rank: 2 * rank * inputs,
                N_("The second matrix ends in the layer's outputs, which need not be as many as its inputs."),
            ),
            (
                lambda inputs, outputs, rank: rank * (inputs + outputs) + outputs,
                N_("LoRA has no bias of its own; the layer keeps its frozen one."),
            ),
            (
                lambda inputs, outputs, rank: rank**2 * (inputs + outputs),
                N_("You squared the rank. Each matrix has it once."),
            ),
        ),
    ),
    praise=N_("For 4,096 inputs, 11,008 outputs and rank 8 that is 120,832 instead of 45,088,768: 1 in 373."),
    hints=(
        N_("One matrix leads from the inputs down to the rank, one from the rank up to the outputs."),
        N_("inputs × rank plus rank × outputs."),
    ),
    answer="""def lora_parameters(inputs, outputs, rank):
    return inputs * rank + rank * outputs""",
)

PREFIX, CROSS = "prefix", "cross-attention"
meetings = Exercise(
    number="11.3",
    examine=ChoiceCheck(
        name="meets",
        key=N_("system"),
        words=(PREFIX, CROSS),
        right={
            "FastVLM: a CNN that ends in attention": (
                PREFIX,
                N_("Its projector is LLaVA's, and what it makes stands in front of the words."),
            ),
            "Llama 3.2 Vision: a ViT": (
                CROSS,
                N_("Look at its mask: no visual token stands among the words, they are asked in extra layers."),
            ),
            "Qwen2.5-VL: a ViT with windows": (
                PREFIX,
                N_("Windows are a matter of its encoder. Behind it, tokens stand in front of the words."),
            ),
            "Fuyu: no image encoder": (
                PREFIX,
                N_("Its patches are mapped to the width of words and stand in front."),
            ),
        },
    ),
    praise=N_(
        "A CNN with a prefix, a ViT with cross-attention: how the two sides meet does not follow from the encoder."
    ),
    hints=(
        N_("Section 5 printed the kind of mask of each."),
        N_("In only one of the four, words ask in layers of their own."),
    ),
    answer="""meets = {
    "FastVLM: a CNN that ends in attention": "prefix",
    "Llama 3.2 Vision: a ViT": "cross-attention",
    "Qwen2.5-VL: a ViT with windows": "prefix",
    "Fuyu: no image encoder": "prefix",
}""",
)
