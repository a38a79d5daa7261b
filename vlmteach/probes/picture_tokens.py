"""Where a network's tokens lie in the picture: how many stand in front without a place, how the rest form a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from vlmteach.probes.network import only_tensor

# The parameters in which Hugging Face's ViTs keep the tokens that they put in front of the patches.
IN_FRONT = ("cls_token", "class_embedding", "distillation_token", "register_tokens")


@dataclass(frozen=True)
class PictureTokens:
    """The token sequence of an encoder: first those without a place, then height x width cells, row by row.

    encoder: the module's name ("" for the whole network); None when the tokens came from outside, as an argument.
    share:   how much of the picture's rows and columns the grid takes: 1 where cells tile the picture, below it where a
             patch size divides no side (what is left over is never seen), above it where the picture was padded.
    """

    encoder: str | None
    num_prefix_tokens: int
    height: int
    width: int
    share: tuple[float, float] = (1.0, 1.0)

    @property
    def count(self) -> int:
        """All tokens, N = num_prefix_tokens + height * width."""
        return self.num_prefix_tokens + self.height * self.width

    def contains(self, name: str) -> bool:
        """Is the module of this name part of the encoder?"""
        return self.encoder is not None and (self.encoder == "" or name.startswith(self.encoder + "."))


def is_visual_tokens(value: Any) -> bool:
    """Has it the fields of nn.VisualTokens? Probes know the type by its shape, not by import."""
    return all(hasattr(value, field) for field in ("tokens", "boxes", "num_prefix_tokens", "grid"))


def picture_tokens(layouts: Sequence[PictureTokens], argument: Any, maps: dict[str, Tensor]) -> PictureTokens | None:
    """Choose the encoder whose tokens the maps are about.

    layouts: of the modules that tell one, in the order they finished. argument: what the network was given first.
    maps: the captured weights (B, heads, queries, keys) by module name.
    The first encoder with a map among its own tokens wins, then the first encoder, then visual tokens as argument.
    """
    for layout in layouts:
        square = (layout.count, layout.count)
        if any(layout.contains(name) and tuple(weights.shape[-2:]) == square for name, weights in maps.items()):
            return layout
    if layouts:
        return layouts[0]
    return _from_visual_tokens(None, argument) if is_visual_tokens(argument) else None


def layout_of(name: str, module: nn.Module | None, inputs: Sequence[Any], output: Any) -> PictureTokens | None:
    """What one module's forward tells about its tokens; None when it tells nothing, or they form no grid."""
    if is_visual_tokens(output):
        return _from_visual_tokens(name, output)
    size = _picture_size(inputs)
    if size is None:
        return None
    return layout_ahead(name, module, inputs) or _from_config(name, module, size, output)


def layout_ahead(name: str, module: nn.Module | None, inputs: Sequence[Any]) -> PictureTokens | None:
    """The same from what the module is given, before it has run, where its own attributes tell; else None."""
    size = _picture_size(inputs)
    return size and (_from_timm(name, module, size) or _from_torchvision(name, module, size))


def _picture_size(inputs: Sequence[Any]) -> tuple[int, int] | None:
    picture = next((value for value in inputs if isinstance(value, Tensor)), None)
    return None if picture is None or picture.ndim != 4 else (int(picture.shape[-2]), int(picture.shape[-1]))


def _from_visual_tokens(name: str | None, visual: Any) -> PictureTokens | None:
    if visual.grid is None:  # regions: a set, not a grid
        return None
    height, width = visual.grid
    bottom, right = visual.boxes[0, -1, 2:].tolist()
    return PictureTokens(name, int(visual.num_prefix_tokens), height, width, (bottom, right))


def _from_timm(name: str, module: Any, size: tuple[int, int]) -> PictureTokens | None:
    embed: Any = getattr(module, "patch_embed", getattr(module, "embeds", None))  # "embeds" in NaFlexViT
    if not hasattr(module, "num_prefix_tokens") or not hasattr(embed, "dynamic_feat_size"):
        return None
    height, width = embed.dynamic_feat_size(size)
    return _on_patches(name, int(module.num_prefix_tokens), (int(height), int(width)), embed.patch_size, size)


def _from_torchvision(name: str, module: Any, size: tuple[int, int]) -> PictureTokens | None:
    patch = getattr(module, "patch_size", None)
    if not hasattr(module, "class_token") or not isinstance(patch, int):
        return None
    return _on_patches(name, 1, (size[0] // patch, size[1] // patch), (patch, patch), size)


def _from_config(name: str, module: Any, size: tuple[int, int], output: Any) -> PictureTokens | None:
    """A ViT of Hugging Face: its config has the patch size; what it puts in front must make up for the rest."""
    patch = getattr(getattr(module, "config", None), "patch_size", None)
    tokens = getattr(output, "last_hidden_state", None)
    tokens = only_tensor(output) if tokens is None else tokens
    if patch is None or tokens is None or tokens.ndim != 3:
        return None
    if getattr(output, "ids_restore", None) is not None:  # shuffled, also where none is masked, as in ViTMAE
        return None
    down, across = (patch, patch) if isinstance(patch, int) else patch
    height, width = size[0] // down, size[1] // across
    num_prefix_tokens = sum(
        1 if weight.ndim == 1 else weight.shape[-2]
        for path, weight in module.named_parameters()
        if path.rpartition(".")[2] in IN_FRONT
    )
    if num_prefix_tokens + height * width != tokens.shape[1]:  # merged, masked, or with more tokens behind the patches
        return None
    return _on_patches(name, num_prefix_tokens, (height, width), (down, across), size)


def _on_patches(
    name: str, num_prefix_tokens: int, grid: tuple[int, int], patch: Sequence[int], size: tuple[int, int]
) -> PictureTokens:
    share = (grid[0] * patch[0] / size[0], grid[1] * patch[1] / size[1])
    return PictureTokens(name, num_prefix_tokens, *grid, share)
