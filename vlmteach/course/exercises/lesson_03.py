"""Exercises of lesson 03: from patches to tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmteach.course.exercises.exercise import Exercise, NotThis, Wrong, as_number

TOLERANCE = 1e-4
NO_CONVOLUTION = dict.fromkeys(
    ("conv1d", "conv2d", "conv3d", "convolution"),
    "You called a convolution. Here the tokens come from patches and one matrix: cut, lay flat, multiply.",
)


def _examine_token_count(answer: object) -> None:
    count = as_number(answer, "a number of tokens")
    known = {
        576: "You counted the patches. The CLS token is one more.",
        24: "That is the number of patches along one side.",
        25: "You added CLS to one side. Count all patches of the square first.",
        24 + 24 + 1: "You added rows and columns; a grid has rows times columns patches.",
        197: "That is the count for 224 pixels and patches of 16. Here the picture is larger and the patch smaller.",
        257: "That is the count for 224 pixels. The picture has 336.",
        442: "You used patches of 16 pixels; this encoder has 14.",
    }
    if count in known:
        raise Wrong(known[int(count)])
    if count != 577:
        raise Wrong(f"{count} is not it. How many patches of 14 pixels fit along 336? And what stands in front?")


token_count = Exercise(
    number="3.1",
    examine=_examine_token_count,
    praise="24 times 24 patches and CLS. LLaVA takes CLS off again and hands 576 tokens to its language model.",
    hints=("336 / 14 patches along each side.", "24 * 24 patches, and one token without a place."),
    answer="clip_tokens = (336 // 14) ** 2 + 1",
)


def _examine_embed(embed: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(3)
    for height, width, patch in [(4, 6, 2), (6, 9, 3)]:
        image, weight, bias = (
            torch.randn(*shape, generator=generator) for shape in [(2, 3, height, width), (5, 3, patch, patch), (5,)]
        )
        grid = F.conv2d(image, weight, bias, stride=patch)
        expected = torch.stack([grid[:, :, y, x] for y in range(height // patch) for x in range(width // patch)], dim=1)
        with NotThis(NO_CONVOLUTION):
            tokens = embed(image.clone(), weight.clone(), bias.clone())
        if not isinstance(tokens, Tensor):
            raise Wrong(f"Your function returned a {type(tokens).__name__}; expected a tensor of tokens.")
        case = f"a picture {tuple(image.shape)} and a weight {tuple(weight.shape)}"
        if tokens.shape != expected.shape:
            raise Wrong(
                f"For {case} your tokens have shape {tuple(tokens.shape)}; expected {tuple(expected.shape)}, "
                "(B, N, D): one token for each patch, one number for each filter."
            )
        if not torch.allclose(tokens, expected, atol=TOLERANCE):
            raise Wrong(_name_embed_mistake(tokens, expected, image, weight, bias))


def _name_embed_mistake(tokens: Tensor, expected: Tensor, image: Tensor, weight: Tensor, bias: Tensor) -> str:
    patch = weight.shape[-1]
    if torch.allclose(tokens, expected - bias, atol=TOLERANCE):
        return "Right, but for the bias: every token still needs it added."
    squares = image.unfold(2, patch, patch).unfold(3, patch, patch)  # (B, 3, rows, columns, p, p)
    channel_last = squares.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)
    if torch.allclose(tokens, channel_last @ weight.flatten(1).T + bias, atol=TOLERANCE):
        return (
            "Inside a patch your order is row, column, channel; the weight's is channel, row, column. The same numbers "
            "in another order meet the wrong weights."
        )
    by_columns = squares.permute(0, 3, 2, 1, 4, 5).flatten(3).flatten(1, 2)
    if torch.allclose(tokens, by_columns @ weight.flatten(1).T + bias, atol=TOLERANCE):
        return "Your tokens are in column order; the course, like every library, reads row by row."
    transposed = squares.permute(0, 2, 3, 1, 5, 4).flatten(3).flatten(1, 2)
    if torch.allclose(tokens, transposed @ weight.flatten(1).T + bias, atol=TOLERANCE):
        return "Your patches lie on their side: rows and columns inside a patch are exchanged."
    if torch.allclose(tokens, image.reshape(len(image), tokens.shape[1], -1) @ weight.flatten(1).T + bias, atol=1e-4):
        return "This is the reshape mistake: reshape reads memory, so a 'patch' holds strips of pixels and no square."
    return "The shape is right, the numbers are not. Compare your patches with patchify(image, patch_size) first."


embed = Exercise(
    number="3.2",
    examine=_examine_embed,
    praise="You have written a ViT's first layer without a convolution, and it gives what the convolution gives.",
    hints=(
        "patchify(image, patch_size) lays each patch flat in the order of the weight.",
        "weight.flatten(1) is (D, 3 * p * p): one row for each number of a token. Which product is (B, N, D)?",
    ),
    answer="""from vlmteach.nn import patchify

def embed_patches(image, weight, bias):
    return patchify(image, weight.shape[-1]) @ weight.flatten(1).T + bias""",
)


def _examine_add_places(add_places: Callable[[Tensor, Tensor, int], Tensor]) -> None:
    generator = torch.Generator().manual_seed(4)
    for batch, prefix in [(2, 1), (3, 0), (1, 5)]:
        tokens = torch.randn(batch, prefix + 6, 4, generator=generator)
        table = torch.randn(6, 4, generator=generator)
        given = tokens.clone()
        placed = add_places(given, table.clone(), prefix)
        if not isinstance(placed, Tensor):
            raise Wrong(f"Your function returned a {type(placed).__name__}; expected the tokens.")
        if placed.shape != tokens.shape:
            raise Wrong(
                f"{prefix} prefix tokens and 6 patches came back with shape {tuple(placed.shape)}; expected "
                f"{tuple(tokens.shape)}. Adding places neither adds nor removes a token."
            )
        expected = torch.stack(
            [tokens[:, i] if i < prefix else tokens[:, i] + table[i - prefix] for i in range(prefix + 6)], dim=1
        )
        if not torch.allclose(placed, expected, atol=TOLERANCE):
            raise Wrong(_name_place_mistake(placed - tokens, table, prefix))
        if not torch.equal(given, tokens):
            raise Wrong("Your result is right, but you also wrote into the tokens you were given. Make a new tensor.")


def _name_place_mistake(added: Tensor, table: Tensor, prefix: int) -> str:
    on_prefix, on_patches = added[:, :prefix], added[:, prefix:]
    if not added.abs().max() > TOLERANCE:
        return "The tokens came back unchanged: no place was added."
    if torch.allclose(on_patches, on_patches[:, :1].expand_as(on_patches), atol=TOLERANCE):
        return "All patches got the same place. That broadcasts without an error, and tells the network nothing."
    if prefix and torch.allclose(added[:, :6], table.expand(len(added), -1, -1), atol=TOLERANCE):
        return (
            f"You began to add at token 0, but the first {prefix} tokens have no place. Every patch now has the place "
            "of another one."
        )
    if prefix and on_prefix.abs().max() > TOLERANCE:
        return "The prefix tokens changed. They have no row in this table, so nothing is added to them."
    return "The numbers are not right: token prefix + i should get row i of the table, for every picture of the batch."


add_places = Exercise(
    number="3.3",
    examine=_examine_add_places,
    praise="Each patch has its own place, CLS and registers have none, and every picture gets the same table.",
    hints=(
        "Which tokens have a row in the table, and which have none?",
        "torch.cat([..., ...], dim=1) puts the two parts together again.",
    ),
    answer="""import torch

def add_places(tokens, table, prefix):
    front, patches = tokens[:, :prefix], tokens[:, prefix:]
    return torch.cat([front, patches + table], dim=1)""",
)
