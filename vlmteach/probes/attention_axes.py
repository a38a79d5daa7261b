"""Which axis of the weights is which: pictures, heads, queries and keys, told from what the module was given.

Networks lay them out as they like: a head alone needs no axis, heads may share one with the pictures, torch's default
puts tokens before pictures, and windows share an axis with the pictures as heads do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor


class NoMap(ValueError):
    """A layer attends, but not so that there is a map over the picture.

    reason: why, for those whose caller cannot choose layers; the message says what to ask attention_maps instead.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}: use a ViT whose tokens all attend to each other, or name only such layers in layers=…."
        )
        self.reason = reason


class Given(NamedTuple):
    """What a module that attends was given.

    pictures, tokens: how many of each, a cell of a grid counting as a token. first: the tokens come first, (N, B, D).
    widths: how many channels; a grid (B, ?, ?, ?) does not tell whether they come second or last.
    """

    pictures: int
    tokens: int
    first: bool
    widths: tuple[int, ...]

    @classmethod
    def of(cls, given: Tensor, weights: Tensor) -> Given:
        """given: tokens (B, N, D) or (N, B, D), or a grid; the weights (B or B * heads, …, N, M) tell B from N."""
        if given.ndim == 4:
            pictures, second, third, last = given.shape
            return cls(pictures, min(second * third, third * last), False, (second, last))
        rows, queries = len(weights), weights.shape[-2]
        one, two, width = given.shape
        first = one == queries and rows % two == 0 and not (two == queries and rows % one == 0)
        return cls(two, one, True, (width,)) if first else cls(one, two, False, (width,))


def sort_axes(weights: Tensor, given: Tensor | None, image: Any, where: str) -> tuple[Tensor, int | None]:
    """Weights as a module made them -> (B, heads, queries, keys) and None.

    Where heads share an axis with B > 1 pictures, in an order that no shape tells: (B * heads, queries, keys) and B.
    given: what the module was given. image: what the network was given. where: the module, for a sentence.
    Raises NoMap for attention inside windows or among channels.
    """
    told = None if given is None else Given.of(given, weights)
    pictures = _pictures(image, told)
    queries, keys = weights.shape[-2:]
    whole = told is not None and max(queries, keys) >= told.tokens
    between = weights.shape[1:-2]
    if whole and len(between) > 1 and between.numel() == max(between):
        weights = weights.flatten(1, -3)  # one window over the whole map is an axis too many
    shared = None
    if weights.ndim == 3 and len(weights) in pictures:
        weights = weights[:, None]
    elif weights.ndim == 3 and told is not None and whole and told.pictures in pictures:
        if told.pictures == 1:
            weights = weights[None]
        elif len(weights) % told.pictures == 0:
            shared = told.pictures
    heads = weights.shape[1] if shared is None else len(weights) // shared
    if shared is None and (weights.ndim != 4 or len(weights) not in pictures):
        raise _windows(weights, pictures[0], where)
    if told is not None and queries == keys != told.tokens:
        if heads * queries == told.tokens:
            raise _windows(weights, pictures[0], where)
        if heads * queries in told.widths:
            raise NoMap(
                f"{where} attends among the {queries} channels of each head, not among its {told.tokens} tokens "
                "(cross-covariance attention), so there is no map over the picture"
            )
    return weights, shared


def _pictures(image: Any, told: Given | None) -> list[int]:
    """How many pictures the network can have been given: a sequence alone is one, and tokens may come first."""
    if isinstance(image, Tensor) and image.is_floating_point():
        if image.ndim == 2:
            return [1]
        if image.ndim == 3 and told is not None and told.first:
            return [image.shape[0], image.shape[1]]
    return [len(image)]


def _windows(weights: Tensor, pictures: int, where: str) -> NoMap:
    return NoMap(
        f"{where} made weights of shape {tuple(weights.shape)}; expected (B, heads, queries, keys) with "
        f"B = {pictures}. It probably attends inside windows, as Swin does, so there is no map over the whole picture"
    )
