"""Checks of arguments: all checks of this package are here, so that the formulas stand alone.

A check raises TypeError for the wrong type, and ValueError for a shape, size or value that does not fit, with one
sentence: what came, what was expected, what to do. It changes nothing. Only check_picture and check_boxes look at
values, where a picture and a detector's boxes enter; a NaN that arises later is found by the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import torch
from torch import Tensor, nn
from torch.fx import Proxy

if TYPE_CHECKING:
    from vlmteach.nn.tokens import VisualTokens

Given = ParamSpec("Given")

# Pictures in [0, 1], and the usual normalised ones, stay far below this; bytes turned into floats go far above it.
LARGEST_VALUE = 50.0
BATCH = "A single one needs a batch axis in front, x[None]; for less than one, see how the batch was cut."
HOW_MANY = ("no", "one", "two", "three", "four", "five")


def passes_traced_values(check: Callable[Given, None]) -> Callable[Given, None]:
    """torch.fx sends stand-ins through a network to record its graph: they have no shape to check, and pass."""

    @wraps(check)
    def checked(*given: Given.args, **more: Given.kwargs) -> None:
        values = (*given, *more.values())
        if not any(isinstance(getattr(value, "tokens", value), Proxy) for value in values):
            check(*given, **more)

    return checked


@passes_traced_values
def check_shape(what: str, tensor: Tensor, *axes: int | str, hint: str = BATCH) -> None:
    """A tensor with these axes: a number is the size it must have, a letter stands for any size from 1 on."""
    expected = f"({', '.join(map(str, axes))}), {HOW_MANY[len(axes)]} axes with at least one of each. {hint}"
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{what} is a {type(tensor).__name__}; expected a torch tensor {expected}")
    shape = tuple(tensor.shape)
    fits = [size > 0 and (size == axis or isinstance(axis, str)) for size, axis in zip(shape, axes, strict=False)]
    if len(shape) != len(axes) or not all(fits):
        raise ValueError(f"{what} has shape {shape}; expected {expected}")


@passes_traced_values
def check_positive(**given: int | Sequence[int]) -> None:
    """Counts and sizes from 1 on."""
    for name, value in given.items():
        if min(value if isinstance(value, Sequence) else (value,), default=1) < 1:
            raise ValueError(f"{name.replace('_', ' ')} is {value}; expected 1 or more.")


def check_choice(name: str, given: object, known: Collection[object]) -> None:
    """One of the known values."""
    if given not in known:
        raise ValueError(f"{name} is {given!r}; expected one of {', '.join(map(repr, known))}.")


# pictures, and boxes in them


@passes_traced_values
def check_picture(image: Tensor, *, channels: int = 3, at_least: int = 1, multiple_of: int = 1) -> None:
    """Pictures that an encoder can compute with: (B, channels, H, W), finite floats around 0 or 1.

    at_least: smallest side in pixels, for an encoder whose stride would leave nothing of a smaller picture.
    multiple_of: both sides must be multiples of it, for an encoder whose patches or cells tile the picture.
    """
    check_shape("the picture", image, "B", channels, "H", "W", hint=_how_to_shape(image, channels))
    if not image.is_floating_point():
        raise TypeError(f"the picture holds {image.dtype}; expected floats in [0, 1]: bytes by image.float() / 255.")
    largest = torch.stack(torch.aminmax(image.detach())).abs().max().item()  # NaN comes out of it as NaN
    if not math.isfinite(largest):
        raise ValueError("the picture holds NaN or infinite values; expected numbers: image.isfinite() tells where.")
    if largest > LARGEST_VALUE:
        raise ValueError(f"the picture holds values as large as {largest:g}; expected 0 to 1: a division by 255 helps.")
    height, width = image.shape[2:]
    if min(height, width) < at_least:
        raise ValueError(f"the picture is {height} x {width}; expected at least {at_least}, or a smaller stride.")
    check_tiling(height, width, multiple_of)


def _how_to_shape(image: Tensor, channels: int) -> str:
    """The likeliest reason for a picture of another shape, and what to do."""
    shape = tuple(getattr(image, "shape", ()))
    reasons = {
        "torch.as_tensor makes one of an array; then put the channels first.": not isinstance(image, Tensor),
        "A single picture needs a batch axis in front: image[None].": shape[:1] == (channels,) and len(shape) == 3,
        "It has its channels last: use image.permute(0, 3, 1, 2).": shape[3:] == (channels,) != shape[1:2],
        "It is empty: see how the batch was cut.": 0 in shape,
    }
    other = "repeat a grey picture by image.expand(-1, 3, -1, -1), or make a coloured one grey by image.mean(1, True)"
    return next((reason for reason, holds in reasons.items() if holds), f"For channels={channels}, {other}.")


@passes_traced_values
def check_tiling(height: int, width: int, side: int) -> None:
    """Squares of this side, patches or cells, that tile height x width without a remainder."""
    check_positive(patch_size=side)
    if min(height, width) < side or height % side or width % side:
        nearest = " x ".join(str(max(length // side, 1) * side) for length in (height, width))
        do = f"so that {side} x {side} patches or cells tile it. Resize or crop knowingly, for instance to {nearest}"
        raise ValueError(f"{side} does not divide {height} x {width}; expected multiples of {side}, {do}.")


@passes_traced_values
def check_boxes(boxes: Tensor, batch: int, height: int, width: int) -> None:
    """Boxes (batch, R, 4) in pixels, R >= 1, finite, the right way up and inside the picture."""
    hint = "Not zero boxes: R (top, left, bottom, right) for each picture; those of one need a batch axis, boxes[None]."
    check_shape("boxes", boxes, batch, "R", 4, hint=hint)
    top, left, bottom, right = boxes.unbind(-1)
    if not ((bottom > top) & (right > left)).all():
        do = "(x1, y1, x2, y2) becomes (top, left, bottom, right) by boxes[..., [1, 0, 3, 2]]"
        raise ValueError(f"a box is empty, upside down or NaN; expected bottom > top and right > left. {do}.")
    if not ((top >= 0) & (left >= 0) & (bottom <= height) & (right <= width)).all():
        expected = f"expected 0 to {height} and 0 to {width} pixels. Clip the boxes, or scale them with the picture"
        raise ValueError(f"a box reaches outside the picture; {expected}.")


@passes_traced_values
def check_unit_boxes(boxes: Tensor) -> None:
    """Boxes (..., 4) as shares of the picture."""
    if boxes.shape[-1] != 4 or not boxes.is_floating_point() or ((boxes < -1e-3) | (boxes > 1 + 1e-3)).any():
        expected = "expected floats (..., 4) in [0, 1]. Divide boxes in pixels by the height and width of their picture"
        raise ValueError(f"boxes has shape {tuple(boxes.shape)} and {boxes.dtype}; {expected}.")


def check_has_grid(encoder: object) -> None:
    """An encoder with a method grid(image), out of which regions can be cut."""
    if not hasattr(encoder, "grid"):
        raise TypeError(f"a {type(encoder).__name__} has no method grid(image); expected one, as GridEncoder has it.")


# visual tokens and their places


@passes_traced_values
def check_layout(tokens: Tensor, boxes: Tensor, num_prefix_tokens: int, grid: tuple[int, int] | None) -> None:
    """The four fields of VisualTokens fit together, and there is at least one token."""
    hint = "grid_to_tokens makes them from a grid; no visual tokens, or only prefix tokens, show nothing."
    check_shape("tokens", tokens, "B", "N", "D", hint=hint)
    check_shape("boxes", boxes, *tokens.shape[:2], 4, hint="One (top, left, bottom, right) a token, as of grid_boxes.")
    count = tokens.shape[1]
    if not 0 <= num_prefix_tokens <= count or (grid is not None and num_prefix_tokens + grid[0] * grid[1] != count):
        expected = f"expected 0 to {count} CLS and register tokens in front, then the rows * columns of a grid, or None"
        raise ValueError(f"num_prefix_tokens is {num_prefix_tokens} and grid {grid} for {count} tokens; {expected}.")


def check_visual(visual: VisualTokens, dim: int | None = None) -> None:
    """What an encoder gives to a connector: VisualTokens, of width dim where a width is asked for."""
    if not hasattr(visual, "boxes"):
        raise TypeError(f"a connector was given a {type(visual).__name__}; expected VisualTokens, as encoders return.")
    hint = "Build the connector for the width of what it is given, or put a Projector in front."
    check_shape("visual.tokens", visual.tokens, "B", "N", "D" if dim is None else dim, hint=hint)


def check_meeting(visual: VisualTokens, vision_dim: int | None, text: Tensor, dim: int | str) -> None:
    """What a connector is given: VisualTokens (B, N, vision_dim), and embedded words (B, T, dim) of each picture."""
    check_visual(visual, vision_dim)
    hint = "One text of embedded words for each picture: nn.Embedding embeds word numbers; vectors need text[:, None]."
    check_shape("the text", text, visual.tokens.shape[0], "T", dim, hint=hint)


@passes_traced_values
def check_cls(visual: VisualTokens) -> None:
    """VisualTokens with a CLS token in front."""
    if visual.num_prefix_tokens == 0:
        raise ValueError("there is no CLS token in front; expected one or more prefix tokens. Use MeanPool instead.")


@passes_traced_values
def check_neighbours(visual: VisualTokens) -> None:
    """VisualTokens that are the cells of one grid, with nothing in front of them."""
    if visual.num_prefix_tokens or visual.grid is None:
        expected = "expected no prefix tokens (use DropPrefixTokens) and the cells of one grid, which have neighbours"
        raise ValueError(f"num_prefix_tokens is {visual.num_prefix_tokens} and grid {visual.grid}; {expected}.")


@passes_traced_values
def check_places(height: int, width: int, own: tuple[int, int]) -> None:
    """A grid of the size that a learned table of positions was made for."""
    if (height, width) != own:
        expected = f"expected {own[0]} x {own[1]}, the size of the learned table of positions. Resize the picture, or"
        raise ValueError(f"the picture makes {height} x {width} cells; {expected} resample({height}, {width}) it.")


# attention and the language model


def check_split(dim: int, count: int, parts: str) -> None:
    """A width that splits into so many parts: heads, or the waves of positions."""
    if count < 1 or dim < 1 or dim % count:
        raise ValueError(f"{dim} cannot be split into {count} {parts}; expected a multiple of {count}.")


@passes_traced_values
def check_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> None:
    """Query (..., N, d), key (..., M, d), value (..., M, e); the mask bool, (N, M) or with all axes of the weights."""
    axes = min(query.ndim, key.ndim, value.ndim)
    if axes < 2 or query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        came = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
        expected = "expected at least two axes, (N, d), (M, d), (M, e): one width, and one value for each key"
        raise ValueError(f"{came}; {expected}.")
    if mask is not None and mask.dtype != torch.bool:
        expected = "expected torch.bool with True = may attend; nn.MultiheadAttention's masks mean the opposite: ~mask"
        raise TypeError(f"the mask holds {mask.dtype}; {expected}.")
    full = (*query.shape[:-1], key.shape[-2])
    # Nothing between 2 axes and all of them: (B, N, M) would silently be read as one mask for each head.
    if mask is not None and (mask.ndim not in (2, len(full)) or not _broadcasts(mask.shape, full[-mask.ndim :])):
        expected = f"expected {full[-2:]} (queries, keys) or {full}; an axis for the heads may be 1: mask[:, None]"
        raise ValueError(f"the mask has shape {tuple(mask.shape)}; {expected}.")


def _broadcasts(sizes: Sequence[int], wanted: Sequence[int]) -> bool:
    return all(size in (1, other) for size, other in zip(sizes, wanted, strict=True))


def check_words(words: Sequence[str], vocabulary: Sequence[str]) -> None:
    """At least one word, and none outside the vocabulary, whose first word is padding."""
    if not words:
        raise ValueError(f"the question is empty; expected words such as {', '.join(vocabulary[1:6])}.")
    for word in words:
        if word not in vocabulary:
            near = get_close_matches(word, vocabulary[1:], n=3) or vocabulary[1:]
            raise ValueError(f"the word {word!r} is unknown to this language model. Use one of: {', '.join(near)}.")


@passes_traced_values
def check_length(words: Tensor, context: int) -> None:
    """A text no longer than the context."""
    if words.shape[-1] > context:
        raise ValueError(f"the text has {words.shape[-1]} words; this language model reads at most {context}.")


def check_eval(model: nn.Module) -> None:
    """A model in eval mode, in all its parts."""
    if any(module.training for module in model.modules()):
        raise ValueError("the model is in training mode, which moves BatchNorm; expected eval mode: model.eval().")
