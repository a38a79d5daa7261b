"""Which layers the explorer shows, what they held, and which layers of two networks belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from vlmteach.probes.picture_tokens import PictureTokens

Grids = dict[str, Tensor]  # layer name -> (B, rows, columns, C)


def read_grids(
    model: nn.Module, layers: Sequence[str], tokens: PictureTokens | None = None
) -> Callable[[Tensor], Grids]:
    """A function of a picture batch that runs the model and returns what the layers held, unit by unit.

    layers: names as in named_modules(); each must return a grid (B, C, H, W), or with `tokens`, which says where they
    lie in the picture, a sequence (B, N, D), whose prefix is left out.
    Raises ValueError for an unknown layer or one that returns something else.
    """
    known = dict(model.named_modules())
    unknown = [name for name in layers if name not in known]
    if unknown:
        raise ValueError(
            f"the model has no layer {', '.join(unknown)}; expected names of its modules, as in model.named_modules()."
        )

    def read(pictures: Tensor) -> Grids:
        held: Grids = {}
        with _watching({name: known[name] for name in layers}, held), torch.no_grad():
            model(pictures)
        return {name: _as_grid(name, held.get(name), tokens) for name in layers}

    return read


def find_grid_layers(model: nn.Module, image: Tensor) -> list[str]:
    """The stages of a CNN: the modules, side by side, that turn one grid into the next.

    Wrappers are opened until more than one grid appears; of what lies side by side, modules with parts of their own
    (stages, blocks) count before single operations. Raises ValueError when the model makes no grid.
    """
    held: Grids = {}
    with _watching(dict(model.named_modules()), held), torch.no_grad():
        model(image)
    grids = {name for name, value in held.items() if _is_grid(value)}
    prefix, module = "", model
    while True:
        children = [(f"{prefix}{name}", child) for name, child in module.named_children()]
        inside = [(name, child) for name, child in children if name in grids]
        stages = [(name, child) for name, child in inside if any(True for _ in child.children())] or inside
        if len(stages) != 1 or not any(name.startswith(f"{stages[0][0]}.") for name in grids):
            break
        prefix, module = f"{stages[0][0]}.", stages[0][1]
    if not stages:
        raise ValueError(
            f"no module of {type(model).__name__} returned a grid (B, C, H, W); expected a CNN. "
            "Name the layers to show, or pass the ViT as vit=."
        )
    return [name for name, _ in stages]


Item = TypeVar("Item")


def thin(layers: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of the layers, evenly spread, the last always among them."""
    if len(layers) <= most:
        return list(layers)
    return [layers[round((i + 1) * len(layers) / most) - 1] for i in range(most)]


def part_given_the_picture(model: nn.Module, layers: Sequence[str], image: Tensor) -> str:
    """The innermost module around all the layers that is handed the very picture: its path, "" for the model itself.

    Tracing starts there, past the checks at an encoder's door, which look at numbers and so cannot be traced.
    """
    given: dict[str, Any] = {}
    paths = [path for path, _ in model.named_modules() if all(name.startswith(f"{path}.") for name in layers)]
    handles = [
        model.get_submodule(path).register_forward_pre_hook(lambda _, inputs, path=path: given.update({path: inputs}))
        for path in paths
    ]
    try:
        with torch.no_grad():
            model(image)
    finally:
        for handle in handles:
            handle.remove()
    return max((path for path, inputs in given.items() if inputs and inputs[0] is image), key=len, default="")


def match_by_depth(counts: Sequence[int]) -> list[tuple[int, ...]]:
    """Stops of one slider for several lists of layers: at each stop, from each list, the layer of nearest depth.

    The depth of layer i of n is (i + 1) / n, so that the last layers meet. As many stops as the longest list has.
    """
    stops = max(counts)
    depths = [(stop + 1) / stops for stop in range(stops)]
    return [tuple(min(range(n), key=lambda i: abs((i + 1) / n - depth)) for n in counts) for depth in depths]


@contextmanager
def _watching(modules: dict[str, nn.Module], held: Grids) -> Iterator[None]:
    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            held[name] = output

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_grid(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 4 and min(value.shape[2:]) > 1


def _as_grid(name: str, value: Any, tokens: PictureTokens | None) -> Tensor:
    if tokens is None and isinstance(value, Tensor) and value.ndim == 4:
        return value.permute(0, 2, 3, 1)
    if tokens is not None and isinstance(value, Tensor) and value.ndim == 3 and value.shape[1] == tokens.count:
        return value[:, tokens.prefix :].unflatten(1, (tokens.height, tokens.width))
    given = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    expected = "a grid (B, C, H, W)" if tokens is None else f"the encoder's {tokens.count} tokens (B, N, D)"
    raise ValueError(f"layer {name!r} returned {given}; expected {expected}. Choose a layer that does.")
