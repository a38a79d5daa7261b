"""Exercises of lesson 05: the transformer block, and a ViT of your own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmteach.course.exercises.checks import FunctionCheck, NumberCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Values
from vlmteach.course.exercises.ruled_out import LIBRARIES, RuledOut
from vlmteach.language import N_

Weights = Mapping[str, Tensor]


def parameters_of_a_block_of(dim: int) -> Exercise:
    """Exercise 5.1 for another width."""
    square = dim**2
    return Exercise(
        number="5.1",
        examine=NumberCheck(
            right=12 * square + 13 * dim,
            what=N_("a number of parameters"),
            mistakes={
                12 * square: N_(
                    "These are the matrices. Each linear layer also has a bias, and each norm a weight and a bias."
                ),
                12 * square + 9 * dim: N_("The two norms are missing: each has a weight and a bias of D numbers."),
                12 * square + 11 * dim: N_(
                    "One norm is missing, or each norm has its bias only: it has a weight too, and there are two norms."
                ),
                12 * square + 4 * dim: N_("The norms are there, and the biases of the linear layers are missing."),
                11 * square + 12 * dim: N_("The last layer of the attention, proj, is missing: D × D and a bias."),
                8 * square + 9 * dim: N_("That is the MLP and the norms. Attention has parameters too."),
                8 * square + 5 * dim: N_("That is the MLP alone. Attention and the norms have parameters too."),
                4 * square + 4 * dim: N_("That is the attention alone. The MLP and the norms have parameters too."),
                10 * square + 11 * dim: N_("You counted one of q, k and v only: qkv maps D to 3 D."),
                6 * square + 10 * dim: N_(
                    "You took the MLP as one as wide as the tokens: it goes from D to 4 D and back."
                ),
                12 * (12 * square + 13 * dim): N_("That is all twelve blocks. How many has one?"),
            },
            look=N_(
                "Add up qkv (D to 3 D), proj (D to D), fc1 (D to 4 D) and fc2 (4 D to D), each with a bias, and norms."
            ),
            close=0.5,
        ),
        praise=N_("12 D² + 13 D: a third of it in attention, two thirds in the MLP, and next to nothing in the norms."),
        hints=(
            N_("A linear layer from a to b has a · b weights and b biases; a LayerNorm has D weights and D biases."),
            N_("The matrices have 3 D² + D² + 4 D² + 4 D² numbers, the biases 3 D + D + 4 D + D, the two norms 4 D."),
        ),
        answer=f"parameters_of_a_block = 12 * {dim}**2 + 13 * {dim}",
    )


parameters_of_a_block = parameters_of_a_block_of(dim=384)

EPS = 1e-6  # of timm's norms
_FUNCTIONS = RuledOut(
    N_(
        "You called attention or a block that is there already, torch's, the course's or another library's. Write it "
        "yourself: F.linear, F.layer_norm and the four operations of lesson 04 are enough."
    ),
    torch="attention|multi_head",
    packages=LIBRARIES,
)


def _norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], EPS)


def _linear(x: Tensor, weights: Weights, name: str) -> Tensor:
    return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _attention(
    x: Tensor, weights: Weights, num_heads: int, heads_first: bool = False, wide: bool = False, causal: bool = False
) -> Tensor:
    qkv = _linear(x, weights, "attn.qkv")
    if heads_first:
        q, k, v = qkv.unflatten(2, (num_heads, 3, -1)).permute(3, 0, 2, 1, 4)
    else:
        q, k, v = qkv.unflatten(2, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    width = x.shape[-1] if wide else q.shape[-1]
    scores = q @ k.mT / width**0.5
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), float("-inf"))
    return _linear((scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2), weights, "attn.proj")


def _mlp(x: Tensor, weights: Weights, act: Callable[[Tensor], Tensor] = F.gelu) -> Tensor:
    return _linear(act(_linear(x, weights, "mlp.fc1")), weights, "mlp.fc2")


def _block(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = x + _attention(_norm(x, weights, "norm1"), weights, num_heads)
    return x + _mlp(_norm(x, weights, "norm2"), weights)


def _block_with(act: Callable[[Tensor], Tensor] = F.gelu, **attention: bool) -> Callable[..., Tensor]:
    def block(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
        x = x + _attention(_norm(x, weights, "norm1"), weights, num_heads, **attention)
        return x + _mlp(_norm(x, weights, "norm2"), weights, act)

    return block


def _post_norm(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = _norm(x + _attention(x, weights, num_heads), weights, "norm1")
    return _norm(x + _mlp(x, weights), weights, "norm2")


def _no_residual(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = _attention(_norm(x, weights, "norm1"), weights, num_heads)
    return _mlp(_norm(x, weights, "norm2"), weights)


def _first_residual_only(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = x + _attention(_norm(x, weights, "norm1"), weights, num_heads)
    return _mlp(_norm(x, weights, "norm2"), weights)


def _normed_stream(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = _norm(x, weights, "norm1")
    x = x + _attention(x, weights, num_heads)
    x = _norm(x, weights, "norm2")
    return x + _mlp(x, weights)


def _no_norm(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = x + _attention(x, weights, num_heads)
    return x + _mlp(x, weights)


def _one_norm(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = x + _attention(_norm(x, weights, "norm1"), weights, num_heads)
    return x + _mlp(_norm(x, weights, "norm1"), weights)


def _parallel(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return x + _attention(_norm(x, weights, "norm1"), weights, num_heads) + _mlp(_norm(x, weights, "norm2"), weights)


def _without_mlp(x: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return x + _attention(_norm(x, weights, "norm1"), weights, num_heads)


def _names(dim: int, hidden_dim: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for norm in ("norm1", "norm2"):
        shapes |= {f"{norm}.weight": (dim,), f"{norm}.bias": (dim,)}
    layers = {"attn.qkv": (3 * dim, dim), "attn.proj": (dim, dim), "mlp.fc1": (hidden_dim, dim)}
    for name, (wide, narrow) in (layers | {"mlp.fc2": (dim, hidden_dim)}).items():
        shapes |= {f"{name}.weight": (wide, narrow), f"{name}.bias": (wide,)}
    return shapes


def _drawn(shapes: Mapping[str, tuple[int, ...]], generator: torch.Generator) -> dict[str, Tensor]:
    """Weights large enough for every part to be noticed, around 1 where a norm multiplies."""
    drawn = {name: 0.5 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return {name: value + ("norm" in name and name.endswith("weight")) for name, value in drawn.items()}


def _blocks() -> tuple[tuple[Tensor, dict[str, Tensor], int], ...]:
    generator = torch.Generator().manual_seed(5)
    return tuple(
        (
            torch.randn(batch, count, dim, generator=generator),
            _drawn(_names(dim, hidden_dim), generator),
            num_heads,
        )
        for batch, count, dim, hidden_dim, num_heads in [(1, 3, 4, 16, 1), (1, 4, 8, 32, 2), (2, 5, 12, 36, 3)]
    )


block_of = Exercise(
    number="5.2",
    examine=FunctionCheck(
        right=_block,
        cases=_blocks(),
        result=Values("(B, N, D)"),
        mistakes=(
            (
                _no_residual,
                N_("Nothing is added: x + attention(norm(x)), then x + mlp(norm(x)). You replaced x both times."),
            ),
            (_first_residual_only, N_("The second residual connection is missing: add the MLP's result to x.")),
            (_post_norm, N_("You put the norms after the sums (post-norm). Here each branch begins with its norm.")),
            (
                _normed_stream,
                N_(
                    "You added the branches to the *normed* tokens. The residual stream itself stays as it is: x + "
                    "attention(norm(x))."
                ),
            ),
            (_no_norm, N_("There is no norm: each branch reads norm(x).")),
            (_one_norm, N_("You used norm1 twice; the MLP has a norm of its own, norm2.")),
            (
                _parallel,
                N_(
                    "Both branches read the same x. The MLP comes second: it reads what attention has already added to."
                ),
            ),
            (_without_mlp, N_("The MLP is missing: x + mlp(norm2(x)).")),
            (_block_with(F.relu), N_("The activation is a GELU, not a ReLU.")),
            (_block_with(lambda x: x), N_("There is no activation between fc1 and fc2: F.gelu.")),
            (
                _block_with(lambda x: F.gelu(x, approximate="tanh")),
                N_("That is GELU's tanh approximation. timm's ViT uses the exact GELU: F.gelu(x)."),
            ),
            (
                _block_with(heads_first=True),
                N_(
                    "You split qkv into heads first, then into q, k and v. Its 3 · D outputs are q of all heads, then "
                    "k of "
                    "all heads, then v of all heads."
                ),
            ),
            (
                _block_with(wide=True),
                N_("You scaled by the width of the model. A score is a sum over one head: √(D / num_heads)."),
            ),
            (
                _block_with(causal=True),
                N_("You masked later tokens, as a language model does. Patches see all patches."),
            ),
            (
                lambda x, weights, num_heads: _block(x, weights, 1),
                N_("You used a single head. Split q, k and v into num_heads slices."),
            ),
        ),
        look=N_("Compare with the two lines of section 1, and print the shape of q: (B, num_heads, N, D / num_heads)."),
        ruled_out=_FUNCTIONS,
    ),
    praise=N_("The same numbers as timm's block, without a class: a block is two sums."),
    hints=(
        N_("Begin with two small functions, norm(x, name) and linear(x, name), which look their weights up."),
        N_("unflatten(2, (3, num_heads, -1)) tells q, k, v and the heads apart; the rest are the lines of section 1."),
    ),
    answer="""import torch.nn.functional as F

def block_of(x, weights, num_heads):
    def linear(x, name):
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-6)

    qkv = linear(norm(x, "norm1"), "attn.qkv").unflatten(2, (3, num_heads, -1))
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)
    x = x + linear((shares @ v).transpose(1, 2).flatten(2), "attn.proj")
    return x + linear(F.gelu(linear(norm(x, "norm2"), "mlp.fc1")), "mlp.fc2")""",
)


def _patches(image: Tensor, weights: Weights) -> Tensor:
    kernel = weights["patch_embed.proj.weight"]
    return F.conv2d(image, kernel, weights["patch_embed.proj.bias"], stride=kernel.shape[-1])


def _in_front(x: Tensor, weights: Weights) -> Tensor:
    return torch.cat([weights["cls_token"].expand(len(x), -1, -1), x], dim=1)


def _through_blocks(
    x: Tensor, weights: Weights, num_heads: int, order: Callable[[range], range] = lambda r: r
) -> Tensor:
    depth = sum(name.endswith("norm1.weight") for name in weights)
    for number in order(range(depth)):
        start = f"blocks.{number}."
        block = {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}
        x = _block(x, block, num_heads)
    return x


def _through(x: Tensor, weights: Weights, num_heads: int, order: Callable[[range], range] = lambda r: r) -> Tensor:
    """The blocks in their order, then the last norm."""
    return _norm(_through_blocks(x, weights, num_heads, order), weights, "norm")


def _placed(image: Tensor, weights: Weights) -> Tensor:
    """The tokens before the first block: CLS in front of the patches, and positions added."""
    return _in_front(_patches(image, weights).flatten(2).mT, weights) + weights["pos_embed"]


def _vit(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return _through(_placed(image, weights), weights, num_heads)


def _no_positions(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return _through(_in_front(_patches(image, weights).flatten(2).mT, weights), weights, num_heads)


def _cls_without_position(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    placed = _patches(image, weights).flatten(2).mT + weights["pos_embed"][:, 1:]
    return _through(_in_front(placed, weights), weights, num_heads)


def _no_last_norm(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return _through_blocks(_placed(image, weights), weights, num_heads)


def _column_by_column(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = _in_front(_patches(image, weights).mT.flatten(2).mT, weights)
    return _through(x + weights["pos_embed"], weights, num_heads)


def _cls_last(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    x = torch.cat([_patches(image, weights).flatten(2).mT, weights["cls_token"].expand(len(image), -1, -1)], dim=1)
    return _through(x + weights["pos_embed"], weights, num_heads)


def _first_block_only(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return _through(_placed(image, weights), weights, num_heads, lambda depth: depth[:1])


def _backwards(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return _through(_placed(image, weights), weights, num_heads, lambda depth: depth[::-1])


def _without_cls(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return _vit(image, weights, num_heads)[:, 1:]


def _cls_alone(image: Tensor, weights: Weights, num_heads: int) -> Tensor:
    return _vit(image, weights, num_heads)[:, 0]


def _vits() -> tuple[tuple[Tensor, dict[str, Tensor], int], ...]:
    generator = torch.Generator().manual_seed(6)
    cases = []
    for batch, rows, columns, patch_size, dim, depth, num_heads in [(1, 2, 3, 2, 4, 2, 1), (2, 3, 2, 4, 8, 3, 2)]:
        shapes: dict[str, tuple[int, ...]] = {
            "cls_token": (1, 1, dim),
            "pos_embed": (1, 1 + rows * columns, dim),
            "patch_embed.proj.weight": (dim, 3, patch_size, patch_size),
            "patch_embed.proj.bias": (dim,),
        }
        for number in range(depth):
            shapes |= {f"blocks.{number}.{name}": shape for name, shape in _names(dim, 4 * dim).items()}
        shapes |= {"norm.weight": (dim,), "norm.bias": (dim,)}
        image = torch.randn(batch, 3, rows * patch_size, columns * patch_size, generator=generator)
        cases.append((image, _drawn(shapes, generator), num_heads))
    return tuple(cases)


vit_of = Exercise(
    number="5.3",
    examine=FunctionCheck(
        right=_vit,
        cases=_vits(),
        result=Values("(B, 1 + patches, D)"),
        mistakes=(
            (_no_positions, N_("The positions are missing: add pos_embed once, before the first block.")),
            (
                _cls_without_position,
                N_(
                    "The CLS token got no position: pos_embed has one row more than there are patches, its first is "
                    "CLS's."
                ),
            ),
            (_no_last_norm, N_("The norm after the last block is missing: norm.weight and norm.bias.")),
            (
                _column_by_column,
                N_(
                    "Your patches are in the wrong order, column by column. Row by row, from the top left: "
                    "flatten(2).mT "
                    "of the grid (B, D, rows, columns)."
                ),
            ),
            (_cls_last, N_("You put the CLS token at the end; it stands in front of the patches.")),
            (
                _first_block_only,
                N_("Only the first block ran. Go through blocks.0, blocks.1, … as long as there are names."),
            ),
            (_backwards, N_("Your blocks run from the last to the first.")),
            (_without_cls, N_("Return all tokens, the CLS token first.")),
            (_cls_alone, N_("You returned the CLS token alone. Return all tokens, (B, 1 + patches, D).")),
        ),
        look=N_(
            "Go through it in order: patches, CLS token, positions, blocks, norm. Which step is the first whose "
            "result differs from the class ViT of section 5 with the same weights?"
        ),
        ruled_out=_FUNCTIONS,
    ),
    praise=N_("A Vision Transformer from a picture and a dictionary: with timm's weights it is timm's network."),
    hints=(
        N_("patch_embed.proj is a convolution whose stride is the side of its kernel: F.conv2d, then flatten(2).mT."),
        N_("For block i, take the names that start with f'blocks.{i}.' and remove that start; then call block_of."),
    ),
    answer=block_of.answer
    + """

import torch

def vit_of(image, weights, num_heads):
    kernel = weights["patch_embed.proj.weight"]
    x = F.conv2d(image, kernel, weights["patch_embed.proj.bias"], stride=kernel.shape[-1]).flatten(2).mT
    x = torch.cat([weights["cls_token"].expand(len(x), -1, -1), x], dim=1) + weights["pos_embed"]
    depth = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    for number in range(depth):
        start = f"blocks.{number}."
        block = {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}
        x = block_of(x, block, num_heads)
    return F.layer_norm(x, x.shape[-1:], weights["norm.weight"], weights["norm.bias"], 1e-6)""",
)
