"""Which layers the explorer shows, what they held, and which layers of two networks belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from torch import Tensor, nn

from vlmteach.probes.grids import require_channels_first
from vlmteach.probes.network import in_full, in_words, named_parts, only_tensor, own_copy, reading
from vlmteach.probes.picture_tokens import PictureTokens

Grids = dict[str, Tensor]  # layer name -> (B, rows, columns, C)


def read_grids(
    model: nn.Module, layers: Sequence[str], tokens: PictureTokens | None = None
) -> Callable[[Tensor], Grids]:
    """A function of a picture batch that runs the model and returns what the layers held, unit by unit.

    layers: names as in named_modules(); each must return a grid (B, C, H, W), or with `tokens`, which says where they
    lie in the picture, a sequence (B, N, D), whose prefix tokens are left out. Half-precision numbers come as float32.
    Raises ValueError for an unknown layer or one that returns something else, such as a map with its channels last.
    """
    known = dict(named_parts(model))
    unknown = [name for name in layers if name not in known]
    if unknown:
        raise ValueError(
            f"the model has no layer {', '.join(unknown)}; expected names of its modules, as in model.named_modules()."
        )
    checked = tokens is not None

    def read(pictures: Tensor) -> Grids:
        nonlocal checked
        held: Grids = {}
        shapes: dict[str, Sequence[int]] = {}

        def keep(name: str, output: Any) -> None:
            # at once and into memory of its own: what comes next in the network may write on it
            held[name] = in_full(_as_grid(name, output, tokens)).clone()
            _, rows, columns, channels = held[name].shape
            shapes.setdefault(name, (1, channels, rows, columns))

        with _watching({name: known[name] for name in layers}, keep), reading():
            model(own_copy(pictures))
        for name in layers:
            if name not in held:
                raise ValueError(f"the forward pass never calls the layer {name!r}; choose another one.")
        if not checked:
            require_channels_first(model, shapes, pictures[:1])
            checked = True
        return {name: held[name] for name in layers}

    return read


def find_grid_layers(model: nn.Module, image: Tensor) -> list[str]:
    """The stages of a CNN: the modules, side by side, that turn one grid into the next.

    Wrappers are opened until more than one grid appears; among neighbours, modules with parts of their own (stages,
    blocks) take precedence over single operations. Raises ValueError when the model makes no grid.
    """
    grids: set[str] = set()
    parts = dict(named_parts(model))
    with _watching(parts, lambda name, output: grids.add(name) if _is_grid(output) else None), reading():
        model(own_copy(image))
    around = ""
    while True:
        inside = [name for name in parts if name in grids and name.rpartition(".")[0] == around and name]
        stages = [name for name in inside if any(part.startswith(f"{name}.") for part in parts)] or inside
        if len(stages) != 1 or not any(name.startswith(f"{stages[0]}.") for name in grids):
            break
        around = stages[0]
    if not stages:
        raise ValueError(
            f"no module of {type(model).__name__} returned a grid (B, C, H, W); expected a CNN. "
            "Name the layers to show, or pass the ViT as vit=."
        )
    return stages


def block_around(model: nn.Module, name: str) -> str:
    """The block that contains a module of attention: the nearest parent that is one of several blocks in a row.

    It is "blocks.0" for "blocks.0.attn", and "encoder.layer.0" for "encoder.layer.0.attention.attention".
    """
    path = name.split(".")
    for length in range(len(path) - 1, 0, -1):
        row = model.get_submodule(".".join(path[: length - 1]))
        if isinstance(row, nn.Sequential | nn.ModuleList | nn.ModuleDict):
            return ".".join(path[:length])
    return ".".join(path[:-1])


Item = TypeVar("Item")


def thin(layers: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of the layers, evenly spread, the last always among them."""
    if len(layers) <= most:
        return list(layers)
    return [layers[round((i + 1) * len(layers) / most) - 1] for i in range(most)]


def match_by_depth(counts: Sequence[int]) -> list[tuple[int, ...]]:
    """The stops of one slider for several lists of layers: at each stop, from each list, the layer of nearest depth.

    The depth of layer i of n is (i + 1) / n, so that the last layers coincide. There are as many stops as the longest
    list has layers.
    """
    stops = max(counts)
    depths = [(stop + 1) / stops for stop in range(stops)]
    return [tuple(min(range(n), key=lambda i: abs((i + 1) / n - depth)) for n in counts) for depth in depths]


@contextmanager
def _watching(modules: dict[str, nn.Module], see: Callable[[str, Any], object]) -> Iterator[None]:
    def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            see(name, output)

        return hook

    handles = [module.register_forward_hook(watch(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_grid(output: Any) -> bool:
    value = only_tensor(output)
    return value is not None and value.ndim == 4 and min(value.shape[2:]) > 1


def _as_grid(name: str, output: Any, tokens: PictureTokens | None) -> Tensor:
    value = only_tensor(output)
    if tokens is None and value is not None and value.ndim == 4:
        return value.permute(0, 2, 3, 1)
    if tokens is not None and value is not None and value.ndim == 3 and value.shape[1] == tokens.count:
        return value[:, tokens.num_prefix_tokens :].unflatten(1, (tokens.height, tokens.width))
    expected = "a grid (B, C, H, W)" if tokens is None else f"the encoder's {tokens.count} tokens (B, N, D)"
    raise ValueError(f"layer {name!r} returned {in_words(output)}; expected {expected}. Choose a layer that does.")
