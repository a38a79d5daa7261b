"""Exercises of lesson 03: from patches to tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmteach.course.exercises.checks import FunctionCheck, NumberCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Values
from vlmteach.course.exercises.ruled_out import RuledOut
from vlmteach.language import N_


def token_count_for(side: int) -> Exercise:
    """Exercise 3.1 for square pictures of another side, more than 224 pixels and a multiple of 14."""
    count = side // 14
    return Exercise(
        number="3.1",
        examine=NumberCheck(
            right=count**2 + 1,
            what=N_("a number of tokens"),
            mistakes={
                count**2: N_("You counted the patches. The CLS token is one more."),
                count: N_("That is the number of patches along one side."),
                count + 1: N_("You added CLS to one side. Count all patches of the square first."),
                2 * count + 1: N_("You added rows and columns; a grid has rows times columns patches."),
                (count + 1) ** 2: N_("You added CLS to each side. There is one CLS token, beside all patches."),
                197: N_(
                    "That is the count for 224 pixels and patches of 16. Here the picture is larger, the patch smaller."
                ),
                257: N_("That is the count for 224 pixels. The picture has {side}.", side=side),
                (side // 16) ** 2 + 1: N_("You used patches of 16 pixels; this encoder has 14."),
            },
            look=N_("How many patches of 14 pixels fit along {side}? And what stands in front?", side=side),
        ),
        praise=N_(
            "{count} times {count} patches and CLS. LLaVA drops CLS again, which leaves {left} tokens for its "
            "language model.",
            count=count,
            left=count**2,
        ),
        hints=(
            N_("{side} / 14 patches along each side.", side=side),
            N_("{count} * {count} patches, and one token without a place.", count=count),
        ),
        answer=f"clip_tokens = ({side} // 14) ** 2 + 1",
    )


token_count = token_count_for(side=336)


def _embed(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    grid = F.conv2d(image, weight, bias, stride=weight.shape[-1])
    return torch.stack([grid[:, :, y, x] for y in range(grid.shape[2]) for x in range(grid.shape[3])], dim=1)


def _embed_by(*axes: int) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A patch embedding whose squares (B, 3, rows, columns, p, p) are put in this order before they are laid flat."""

    def embed(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        patch = weight.shape[-1]
        squares = image.unfold(2, patch, patch).unfold(3, patch, patch).permute(*axes)
        return squares.flatten(3).flatten(1, 2) @ weight.flatten(1).T + bias

    return embed


def _layers() -> tuple[tuple[Tensor, ...], ...]:
    """Images, weights and biases."""
    generator = torch.Generator().manual_seed(3)
    sizes = [(1, 2, 4, 2, 2), (2, 4, 6, 2, 5), (2, 6, 9, 3, 5)]
    return tuple(
        tuple(torch.randn(*s, generator=generator) for s in [(batch, 3, height, width), (dim, 3, p, p), (dim,)])
        for batch, height, width, p, dim in sizes
    )


embed = Exercise(
    number="3.2",
    examine=FunctionCheck(
        right=_embed,
        cases=_layers(),
        result=Values("(B, N, D)"),
        mistakes=(
            (
                lambda image, weight, bias: _embed(image, weight, 0 * bias),
                N_("Right, except for the bias: every token still needs it added."),
            ),
            (
                lambda image, weight, bias: _embed(image, weight, 2 * bias),
                N_("Right, except for the bias: you added it twice."),
            ),
            (
                _embed_by(0, 2, 3, 4, 5, 1),
                N_(
                    "Inside a patch your order is row, column, channel; the weight's is channel, row, column. The same "
                    "numbers in another order meet the wrong weights."
                ),
            ),
            (
                _embed_by(0, 3, 2, 1, 4, 5),
                N_("Your tokens are in column order; the course, like every library, reads row by row."),
            ),
            (
                _embed_by(0, 2, 3, 1, 5, 4),
                N_("Your patches lie on their side: rows and columns inside a patch are exchanged."),
            ),
            (
                lambda image, weight, bias: (
                    image.reshape(len(image), -1, weight[0].numel()) @ weight.flatten(1).T + bias
                ),
                N_(
                    "This is the reshape mistake: reshape reads memory, so a 'patch' holds strips of pixels, not a "
                    "square."
                ),
            ),
            (
                lambda image, weight, bias: _embed(image, weight, bias).mT,
                N_(
                    "Your result is (B, D, N). One token must hold all D numbers of one patch: one axis swap is "
                    "missing."
                ),
            ),
        ),
        look=N_("Token n is the dot product of patch n, row by row, with each of the D filters, and the bias added."),
        ruled_out=RuledOut(
            N_("You called a convolution. Here the tokens come from patches and one matrix: cut, lay flat, multiply."),
            torch="conv(?!ert)",
        ),
    ),
    praise=N_("You have written a ViT's first layer without a convolution, and it gives what the convolution gives."),
    hints=(
        N_("patchify(image, patch_size) lays each patch flat in the order of the weight."),
        N_("weight.flatten(1) is (D, 3 * p * p): one row for each number of a token. Which product is (B, N, D)?"),
    ),
    answer="""from vlmteach.nn import patchify

def embed_patches(image, weight, bias):
    return patchify(image, weight.shape[-1]) @ weight.flatten(1).T + bias""",
)


def _add_places(tokens: Tensor, table: Tensor, num_prefix_tokens: int) -> Tensor:
    return _placed(lambda table: table)(tokens, table, num_prefix_tokens)


def _placed(rows: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor, int], Tensor]:
    """A function that gives patch i row i of rows(table)."""

    def placed(tokens: Tensor, table: Tensor, num_prefix_tokens: int) -> Tensor:
        given = rows(table).expand(len(table), -1)
        places = [
            tokens[:, i] if i < num_prefix_tokens else tokens[:, i] + given[i - num_prefix_tokens]
            for i in range(tokens.shape[1])
        ]
        return torch.stack(places, dim=1)

    return placed


def _from_token_0(tokens: Tensor, table: Tensor, num_prefix_tokens: int) -> Tensor:
    tokens[:, : len(table)] += table
    return tokens


def _sequences() -> tuple[tuple[Tensor, Tensor, int], ...]:
    generator = torch.Generator().manual_seed(4)
    return tuple(
        (
            torch.randn(batch, num_prefix_tokens + n, dim, generator=generator),
            torch.randn(n, dim, generator=generator),
            num_prefix_tokens,
        )
        for batch, num_prefix_tokens, n, dim in [(1, 1, 1, 2), (2, 1, 6, 4), (3, 0, 6, 4), (1, 5, 6, 4)]
    )


_SAME_PLACE = N_("All patches got the same place. That broadcasts without an error, and tells the network nothing.")
_ON_PREFIX = N_("The prefix tokens changed. They have no row in this table, so nothing is added to them.")

add_places = Exercise(
    number="3.3",
    examine=FunctionCheck(
        right=_add_places,
        cases=_sequences(),
        result=Values("(B, num_prefix_tokens + N, D)"),
        mistakes=(
            (
                lambda tokens, table, num_prefix_tokens: tokens,
                N_("The tokens came back unchanged: no place was added."),
            ),
            (_placed(lambda table: table[:1]), _SAME_PLACE),
            (_placed(lambda table: table[-1:]), _SAME_PLACE),
            (_placed(lambda table: table.mean(dim=0)), _SAME_PLACE),
            (_placed(lambda table: table.sum(dim=0)), _SAME_PLACE),
            (
                _from_token_0,
                N_(
                    "You began to add at token 0, but the first prefix tokens have no place. Every patch now has the "
                    "place of another one."
                ),
            ),
            (
                lambda tokens, table, num_prefix_tokens: (
                    tokens + torch.cat([table[:1].expand(num_prefix_tokens, -1), table])
                ),
                _ON_PREFIX,
            ),
            (
                lambda tokens, table, num_prefix_tokens: torch.cat(
                    [tokens[:, :num_prefix_tokens] + table.mean(dim=0), tokens[:, num_prefix_tokens:] + table], dim=1
                ),
                _ON_PREFIX,
            ),
            (
                lambda tokens, table, num_prefix_tokens: torch.cat(
                    [tokens[:, num_prefix_tokens:] + table, tokens[:, :num_prefix_tokens]], dim=1
                ),
                N_("You moved the prefix tokens behind the patches. They stand in front, and keep their order."),
            ),
            (
                lambda tokens, table, num_prefix_tokens: tokens[:, num_prefix_tokens:] + table,
                N_("You left the prefix tokens out. Adding places neither adds nor removes a token."),
            ),
            (
                _placed(lambda table: table.flip(0)),
                N_("You gave the places in reverse: patch i gets row i of the table."),
            ),
            (_placed(lambda table: 2 * table), N_("You added each place twice.")),
        ),
        look=N_("Token num_prefix_tokens + i gets row i of the table, for every picture; those in front get nothing."),
    ),
    praise=N_("Each patch has its own place, CLS and registers have none, and every picture gets the same table."),
    hints=(
        N_("Which tokens have a row in the table, and which have none?"),
        N_("torch.cat([..., ...], dim=1) puts the two parts together again."),
    ),
    answer="""import torch

def add_places(tokens, table, num_prefix_tokens):
    front, patches = tokens[:, :num_prefix_tokens], tokens[:, num_prefix_tokens:]
    return torch.cat([front, patches + table], dim=1)""",
)
