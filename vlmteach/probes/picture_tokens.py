"""Where a network's tokens lie in the picture: how many stand in front without a place, how the rest form a grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn


@dataclass(frozen=True)
class PictureTokens:
    """The token sequence of an encoder: `prefix` tokens without a place, then height x width cells, row by row.

    encoder: the module's name ("" for the whole network); None when the tokens came from outside, as an argument.
    """

    encoder: str | None
    prefix: int
    height: int
    width: int

    @property
    def count(self) -> int:
        """All tokens, N = prefix + height * width."""
        return self.prefix + self.height * self.width

    def contains(self, name: str) -> bool:
        """Is the module of this name part of the encoder?"""
        return self.encoder is not None and (self.encoder == "" or name.startswith(self.encoder + "."))


class Run(NamedTuple):
    """One module's forward, as a hook saw it."""

    name: str
    module: Any
    inputs: tuple[Any, ...]
    output: Any


def tells_a_layout(run: Run) -> bool:
    """Can `layout_of` read where the tokens of this module lie?"""
    if is_visual_tokens(run.output):
        return True
    takes_a_picture = bool(run.inputs) and isinstance(run.inputs[0], Tensor) and run.inputs[0].ndim == 4
    return takes_a_picture and (_is_timm_vit(run.module) or _is_torchvision_vit(run.module))


def is_visual_tokens(value: Any) -> bool:
    """Has it the three fields of nn.VisualTokens? Probes know the type by its shape, not by import."""
    return not isinstance(value, Tensor) and all(hasattr(value, field) for field in ("tokens", "boxes", "prefix"))


def picture_tokens(runs: Iterable[Run], argument: Any, maps: dict[str, Tensor]) -> PictureTokens | None:
    """Choose the encoder whose tokens the maps are about.

    runs: the modules that tell a layout, in the order they finished. argument: what the network was given first.
    maps: the captured weights (B, heads, queries, keys) by module name.
    The first encoder with a map among its own tokens wins, then the first encoder, then visual tokens as argument.
    """
    layouts = [layout for layout in map(layout_of, runs) if layout is not None]
    for layout in layouts:
        square = (layout.count, layout.count)
        if any(layout.contains(name) and tuple(weights.shape[-2:]) == square for name, weights in maps.items()):
            return layout
    if layouts:
        return layouts[0]
    return _from_visual_tokens(None, argument) if is_visual_tokens(argument) else None


def layout_of(run: Run) -> PictureTokens | None:
    """Read the layout of one module's tokens; None when the tokens have places but form no grid."""
    if is_visual_tokens(run.output):
        return _from_visual_tokens(run.name, run.output)
    rows, columns = run.inputs[0].shape[-2:]
    if _is_timm_vit(run.module):
        height, width = run.module.patch_embed.dynamic_feat_size((rows, columns))
        return PictureTokens(run.name, int(run.module.num_prefix_tokens), int(height), int(width))
    patch = run.module.patch_size
    return PictureTokens(run.name, 1, rows // patch, columns // patch)


def _from_visual_tokens(name: str | None, visual: Any) -> PictureTokens | None:
    boxes = visual.boxes[0, visual.prefix :]
    height, width = len(boxes[:, 0].unique()), len(boxes[:, 1].unique())
    if height * width != len(boxes):  # regions: a set, not a grid
        return None
    return PictureTokens(name, int(visual.prefix), height, width)


def _is_timm_vit(module: nn.Module) -> bool:
    return hasattr(module, "num_prefix_tokens") and hasattr(getattr(module, "patch_embed", None), "dynamic_feat_size")


def _is_torchvision_vit(module: nn.Module) -> bool:
    return hasattr(module, "class_token") and isinstance(getattr(module, "patch_size", None), int)
