"""Find one unit of a network: a layer by its name, a position in its grid, or in the grid that its tokens form."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.probes.picture_tokens import Run, is_visual_tokens, layout_of, tells_a_layout


def find_layer(model: nn.Module, layer: str) -> nn.Module:
    """The module of this path. Raises ValueError with near names when there is none."""
    modules = dict(model.named_modules())
    if layer not in modules:
        near = difflib.get_close_matches(layer, modules, n=4)
        hint = f" Near names: {', '.join(near)}." if near else ""
        raise ValueError(f"the model has no layer {layer!r}; expected a name of model.named_modules().{hint}")
    return modules[layer]


def run_to_unit(model: nn.Module, module: nn.Module, layer: str, position: tuple[int, int], images: Tensor) -> Tensor:
    """Run the model until its layer `module`, named `layer`, has answered: the channels (B, D) at one position.

    Raises ValueError when the model cannot take the pictures, never calls the layer, or the layer has no such position.
    """
    output, runs = _run_to(model, module, layer, images)
    return _channels(output, layer, position, runs, images.shape[-2:])


class _Reached(Exception):
    """The layer has run: the rest of the network is not needed."""


def _run_to(model: nn.Module, module: nn.Module, layer: str, images: Tensor) -> tuple[Any, list[Run]]:
    """The layer's output, and, when it returns tokens, the modules that know how they lie in the picture."""
    outputs: list[Any] = []
    runs: list[Run] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        outputs.append(output)
        if isinstance(output, Tensor) and output.ndim == 4:
            raise _Reached

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(part: nn.Module, inputs: Any, output: Any) -> None:
            run = Run(name, part, inputs, output)
            if tells_a_layout(run):
                runs.append(run)

        return hook

    hooks = [part.register_forward_hook(note(name)) for name, part in model.named_modules()]
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
    return outputs[0], runs


def _channels(output: Any, layer: str, position: tuple[int, int], runs: list[Run], size: torch.Size) -> Tensor:
    """The channels (B, D) at a position of a grid or of tokens that form one."""
    row, column = position
    if isinstance(output, Tensor) and output.ndim == 4:
        _require_channels_first(output, layer, size)
        _require_position(position, output.shape[-2], output.shape[-1], layer)
        return output[:, :, row, column]
    tokens = output.tokens if is_visual_tokens(output) else output
    if not isinstance(tokens, Tensor) or tokens.ndim != 3:
        given = f"shape {tuple(tokens.shape)}" if isinstance(tokens, Tensor) else type(output).__name__
        raise ValueError(f"layer {layer!r} returns {given}; expected a grid (B, C, H, W) or tokens (B, N, D).")
    prefix, height, width = _layout(tokens, output, layer, runs, size)
    _require_position(position, height, width, layer)
    return tokens[:, prefix + row * width + column]


def _require_channels_first(grid: Tensor, layer: str, size: torch.Size) -> None:
    """A grid (B, H, W, C), as Swin and some ViTs have it, would be read along the wrong axes without any error."""
    picture = size[0] / size[1]
    first, second, third = grid.shape[1:]
    if first / second == picture and not 0.5 < (second / third) / picture < 2:
        raise ValueError(
            f"layer {layer!r} returns {tuple(grid.shape)}, which looks like (B, H, W, C); expected a grid "
            "(B, C, H, W). Ask a layer before or after it."
        )


def _layout(tokens: Tensor, output: Any, layer: str, runs: list[Run], size: torch.Size) -> tuple[int, int, int]:
    """Prefix, rows and columns of a layer's tokens: told by the encoder, or read off a grid of the picture's shape."""
    if is_visual_tokens(output):
        runs = [Run(layer, None, (), output), *runs]
    for run in runs:
        found = layout_of(run)
        if found is not None and found.count == tokens.shape[1] and (run.name == layer or found.contains(layer)):
            return found.prefix, found.height, found.width
    height = round((tokens.shape[1] * size[0] / size[1]) ** 0.5)
    width = round(height * size[1] / size[0])
    if height * width != tokens.shape[1]:
        raise ValueError(
            f"layer {layer!r} returns {tokens.shape[1]} tokens, which form no grid of the picture's shape, and no "
            "encoder around it says how many CLS tokens are in front. Ask one that returns VisualTokens, or a timm ViT."
        )
    return 0, height, width


def _require_position(position: tuple[int, int], height: int, width: int, layer: str) -> None:
    row, column = position
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(
            f"position {tuple(position)} is outside the {height}×{width} map of {layer!r}; rows go from 0 to "
            f"{height - 1}, columns from 0 to {width - 1}."
        )
