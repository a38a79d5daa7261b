"""Does a layer return its map as a grid (B, C, H, W)? A shape alone cannot always tell; a wider picture can."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.probes.eval_mode import eval_mode
from vlmteach.probes.network import named_parts, only_tensor, reading


def require_channels_first(model: nn.Module, shapes: Mapping[str, Sequence[int]], picture: Tensor) -> None:
    """Raise ValueError for a map (B, H, W, C), as Swin and ConvNeXt have it: its channels would be taken for columns.

    shapes: by layer, of the four axes that it returned for `picture` (1, C, H, W), at its first call.

    A map has the proportions of its picture. Where that does not settle it (as many channels as rows), the network is
    run once more, without gradients and only up to these layers, on the picture twice side by side: the axis that grows
    holds the columns. Where none grows (a pool to one size), rows and columns must be as many, and differ from the
    channels. A network of one picture size does not come that far; then the proportions alone must tell.
    """
    size = (picture.shape[-2], picture.shape[-1])
    shapes = {layer: shape for layer, shape in shapes.items() if not _is_settled(shape, size)}
    wider = _first_shapes(model, shapes, torch.cat([picture, picture], dim=-1)) if shapes else {}
    for layer, shape in shapes.items():
        columns = _axes_of_columns(shape, wider.get(layer), size)
        if columns == {2}:
            raise ValueError(
                f"layer {layer!r} returns {tuple(shape)}, which looks like (B, H, W, C); expected a grid "
                "(B, C, H, W). Ask a layer before or after it, or a network that ends there with "
                "torchvision.ops.Permute([0, 3, 1, 2])."
            )
        if columns != {3}:
            raise ValueError(
                f"layer {layer!r} returns {tuple(shape)}, and neither this shape nor a wider picture tells which axes "
                "are the picture's rows and columns; expected a grid (B, C, H, W). Ask a layer before or after it."
            )


def _is_settled(shape: Sequence[int], size: tuple[int, int]) -> bool:
    """Surely channels first, or one number, which is the same however it is read."""
    return _axes_of_columns(shape, None, size) == {3} or set(shape[1:]) == {1}


def _axes_of_columns(shape: Sequence[int], wider: Sequence[int] | None, size: tuple[int, int]) -> set[int]:
    """The axes of a map that may hold its columns: the last of (B, C, H, W), the third of (B, H, W, C)."""
    if wider is not None:
        grown = {axis for axis in (2, 3) if wider[axis] != shape[axis]}
        return grown or {axis for axis in (2, 3) if shape[axis - 1] == shape[axis]}
    return {axis for axis in (2, 3) if _has_proportions(shape[axis - 1], shape[axis], size)}


def _has_proportions(rows: int, columns: int, size: tuple[int, int]) -> bool:
    """Those of a picture (H, W), up to the rounding of its strides."""
    return abs(rows * size[1] - columns * size[0]) < max(size)


class _AllSeen(Exception):
    """Every layer has answered: what comes after them need not run, and may want another size."""


def _first_shapes(model: nn.Module, layers: Mapping[str, Any], picture: Tensor) -> dict[str, Sequence[int]]:
    """The four axes that layers return for a picture, at their first call; what the network refuses is absent."""
    seen: dict[str, Sequence[int]] = {}

    def note(layer: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            tensor = only_tensor(output)
            if tensor is not None and tensor.ndim == 4:
                seen.setdefault(layer, tensor.shape)
            if len(seen) == len(layers):
                raise _AllSeen

        return hook

    hooks = [part.register_forward_hook(note(name)) for name, part in named_parts(model) if name in layers]
    try:
        with eval_mode(model), reading(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has said them of the first picture
            model(picture)
    except Exception:  # a network says in its own way that it takes pictures of one size
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return seen
