"""Find one unit of a network: a layer by its name, a position in its grid, or in the grid that its tokens form."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.probes.network import in_words, named_parts, only_tensor, reading
from vlmteach.probes.picture_tokens import PictureTokens, is_visual_tokens, layout_ahead, layout_of


def find_layer(model: nn.Module, layer: str) -> nn.Module:
    """The module of this path. Raises ValueError with near names when there is none."""
    modules = dict(named_parts(model))
    if layer not in modules:
        near = difflib.get_close_matches(layer, modules, n=4)
        hint = f" Near names: {', '.join(near)}." if near else ""
        raise ValueError(f"the model has no layer {layer!r}; expected a name of model.named_modules().{hint}")
    return modules[layer]


def run_to_units(
    model: nn.Module,
    layer: str,
    positions: Iterable[tuple[int, int]],
    images: Tensor,
    layouts: Callable[[], Sequence[PictureTokens]],
    require_grid: Callable[[torch.Size], None],
) -> list[Tensor]:
    """Run the model until this layer has answered, and not a step further: the channels (B, D) at each position.

    layouts: what find_layouts tells of the model, asked only for tokens of which nothing was told on the way there.
    require_grid: raises ValueError when the shape (1, ?, ?, ?) of a map is no (1, C, H, W); asked only for maps.
    Raises ValueError when the model cannot take the pictures, never calls the layer, or the layer has no such position.
    """
    found: list[Any] = []
    begun: list[PictureTokens] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        found.append(output)
        raise _Reached

    def begin(name: str) -> Callable[..., None]:
        def hook(part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            layout = layout_ahead(name, part, (*args, *kwargs.values()))
            if layout is not None:
                begun.insert(0, layout)  # an encoder inside another begins later and finishes first

        return hook

    def known() -> Iterator[PictureTokens]:
        yield from begun
        yield from layouts()  # a pass to the end

    hooks = [part.register_forward_pre_hook(begin(name), with_kwargs=True) for name, part in named_parts(model)]
    hooks.append(find_layer(model, layer).register_forward_hook(keep))
    try:
        _run(model, images)
    except _Reached:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ValueError(f"the forward pass never calls the layer {layer!r} in eval mode; choose another one.")
    return [_channels(found[0], layer, position, known, require_grid) for position in positions]


def find_layouts(model: nn.Module, image: Tensor) -> list[PictureTokens]:
    """How the encoders in a model lay their tokens out, in the order they finish: one pass to the end, no gradients."""
    layouts: list[PictureTokens] = []

    def note(name: str) -> Callable[..., None]:
        def hook(part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            layout = layout_of(name, part, (*args, *kwargs.values()), output)
            if layout is not None:
                layouts.append(layout)

        return hook

    hooks = [part.register_forward_hook(note(name), with_kwargs=True) for name, part in named_parts(model)]
    try:
        with reading():
            _run(model, image.clone())
    finally:
        for hook in hooks:
            hook.remove()
    return layouts


class _Reached(Exception):
    """The layer has run. What comes after it may want another size, or write on what the layer returned."""


def _run(model: nn.Module, images: Tensor) -> None:
    try:
        model(images)
    except (RuntimeError, AssertionError) as problem:
        size = "×".join(map(str, images.shape[-2:]))
        raise ValueError(f"the model cannot take pictures of {size} pixels: {problem}") from problem


def _channels(
    output: Any,
    layer: str,
    position: tuple[int, int],
    layouts: Callable[[], Iterable[PictureTokens]],
    require_grid: Callable[[torch.Size], None],
) -> Tensor:
    """The channels (B, D) at a position of a grid or of tokens that form one."""
    row, column = position
    told = layout_of(layer, None, (), output)
    tensor = output.tokens if is_visual_tokens(output) else only_tensor(output)
    if tensor is None or tensor.ndim not in (3, 4):
        raise ValueError(
            f"layer {layer!r} returns {in_words(output)}; expected a grid (B, C, H, W) or tokens (B, N, D). Choose a "
            "layer that returns one of them, for instance one inside it."
        )
    if tensor.ndim == 4:
        require_grid(tensor[:1].shape)
        _require_position(position, tensor.shape[-2], tensor.shape[-1], layer)
        return tensor[:, :, row, column]
    num_prefix_tokens, height, width = _layout(tensor, layer, layouts() if told is None else [told])
    _require_position(position, height, width, layer)
    return tensor[:, num_prefix_tokens + row * width + column]


def _layout(tokens: Tensor, layer: str, layouts: Iterable[PictureTokens]) -> tuple[int, int, int]:
    """Prefix, rows and columns of a layer's tokens, as the encoder around it tells; nothing is guessed."""
    for found in layouts:
        if found.count == tokens.shape[1] and (found.encoder == layer or found.contains(layer)):
            return found.num_prefix_tokens, found.height, found.width
    raise ValueError(
        f"layer {layer!r} returns {tokens.shape[1]} tokens, which form no grid as far as any encoder around it tells "
        "(ViTMAE shuffles them); expected VisualTokens with a grid, or a ViT of timm, torchvision or transformers, for "
        "the layer to be part of."
    )


def _require_position(position: tuple[int, int], height: int, width: int, layer: str) -> None:
    row, column = position
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(
            f"position {tuple(position)} is outside the {height}×{width} map of {layer!r}; rows go from 0 to "
            f"{height - 1}, columns from 0 to {width - 1}."
        )
