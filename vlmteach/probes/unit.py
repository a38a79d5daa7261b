"""Find one unit of a network: a layer by its name, a position in its grid, or in the grid that its tokens form."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from vlmteach.probes.network import in_words, named_parts, only_tensor
from vlmteach.probes.picture_tokens import PictureTokens, is_visual_tokens, layout_of


def find_layer(model: nn.Module, layer: str) -> nn.Module:
    """The module of this path. Raises ValueError with near names when there is none."""
    modules = dict(named_parts(model))
    if layer not in modules:
        near = difflib.get_close_matches(layer, modules, n=4)
        hint = f" Near names: {', '.join(near)}." if near else ""
        raise ValueError(f"the model has no layer {layer!r}; expected a name of model.named_modules().{hint}")
    return modules[layer]


def run_to_unit(model: nn.Module, module: nn.Module, layer: str, position: tuple[int, int], images: Tensor) -> Tensor:
    """Run the model until its layer `module`, named `layer`, has answered: the channels (B, D) at one position.

    Raises ValueError when the model cannot take the pictures, never calls the layer, or the layer has no such position.
    """
    size = (images.shape[-2], images.shape[-1])
    output, layouts = _run_to(model, module, layer, images)
    return _channels(output, layer, position, layouts, size)


class _Reached(Exception):
    """The layer has run: the rest of the network is not needed."""


def _run_to(model: nn.Module, module: nn.Module, layer: str, images: Tensor) -> tuple[Any, list[PictureTokens]]:
    """The layer's output, a copy that nothing writes on, and how tokens lie in the picture, as the encoders tell."""
    outputs: list[Any] = []
    layouts: list[PictureTokens] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        tensor = output.tokens if is_visual_tokens(output) else only_tensor(output)
        outputs.append(output if tensor is None else tensor.clone())
        if tensor is not None and tensor.ndim == 4:
            raise _Reached

    def note(name: str) -> Callable[..., None]:
        def hook(part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            layout = layout_of(name, part, (*args, *kwargs.values()), output)
            if layout is not None:
                layouts.append(layout)

        return hook

    hooks = [part.register_forward_hook(note(name), with_kwargs=True) for name, part in named_parts(model)]
    hooks.append(module.register_forward_hook(keep))
    try:
        model(images)
    except _Reached:
        pass
    except (RuntimeError, AssertionError) as problem:
        size = "×".join(map(str, images.shape[-2:]))
        raise ValueError(f"the model cannot take pictures of {size} pixels: {problem}") from problem
    finally:
        for hook in hooks:
            hook.remove()
    if not outputs:
        raise ValueError(f"the forward pass never calls the layer {layer!r} in eval mode; choose another one.")
    return outputs[0], layouts


def _channels(
    output: Any, layer: str, position: tuple[int, int], layouts: list[PictureTokens], size: tuple[int, int]
) -> Tensor:
    """The channels (B, D) at a position of a grid or of tokens that form one."""
    row, column = position
    if not isinstance(output, Tensor) or output.ndim not in (3, 4):
        raise ValueError(
            f"layer {layer!r} returns {in_words(output)}; expected a grid (B, C, H, W) or tokens (B, N, D). Choose a "
            "layer that returns one of them, for instance one inside it."
        )
    if output.ndim == 4:
        _require_channels_first(output, layer, size)
        _require_position(position, output.shape[-2], output.shape[-1], layer)
        return output[:, :, row, column]
    num_prefix_tokens, height, width = _layout(output, layer, layouts)
    _require_position(position, height, width, layer)
    return output[:, num_prefix_tokens + row * width + column]


def _require_channels_first(grid: Tensor, layer: str, size: tuple[int, int]) -> None:
    """A grid (B, H, W, C), as Swin and some ViTs have it, would be read along the wrong axes without any error."""
    picture = size[0] / size[1]
    first, second, third = grid.shape[1:]
    if first / second == picture and not 0.5 < (second / third) / picture < 2:
        raise ValueError(
            f"layer {layer!r} returns {tuple(grid.shape)}, which looks like (B, H, W, C); expected a grid "
            "(B, C, H, W). Ask a layer before or after it."
        )


def _layout(tokens: Tensor, layer: str, layouts: list[PictureTokens]) -> tuple[int, int, int]:
    """Prefix, rows and columns of a layer's tokens, as the encoder around it tells; nothing is guessed."""
    for found in layouts:
        if found.count == tokens.shape[1] and (found.encoder == layer or found.contains(layer)):
            return found.num_prefix_tokens, found.height, found.width
    raise ValueError(
        f"layer {layer!r} returns {tokens.shape[1]} tokens, which form no grid as far as any encoder around it tells; "
        "expected VisualTokens with a grid, or a ViT of timm, torchvision or transformers, for the layer to be part of."
    )


def _require_position(position: tuple[int, int], height: int, width: int, layer: str) -> None:
    row, column = position
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(
            f"position {tuple(position)} is outside the {height}×{width} map of {layer!r}; rows go from 0 to "
            f"{height - 1}, columns from 0 to {width - 1}."
        )
