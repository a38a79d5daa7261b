"""From a picture to the inputs of a real system, by the library's own image processor, and back to places."""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vlmteach.backbones.real_vlms.build import quiet
from vlmteach.backbones.real_vlms.facts import RealVLM

BILINEAR = 2  # in PIL's numbering, which the library uses
SMALLEST = 32  # sides of a picture: below, a tile may show less than two rows of it
INPUTS = ("pixel_values", "image_grid_thw", "image_sizes", "pixel_attention_mask")
TILED = ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")


class Prepared(NamedTuple):
    """inputs: for the model, by name. tiles: the pictures that are cut into patches, (3, H, W) each."""

    inputs: dict[str, Tensor]
    tiles: list[Tensor]


def prepare(about: RealVLM, processor: Any, picture: Tensor) -> Prepared:
    """Normalise a picture (3, H, W) in [0, 1], resize and tile it as the system does."""
    with quiet():
        done = processor(picture, do_rescale=False, return_tensors="pt")
    return _sorted(about, processor, done)


def coordinates(about: RealVLM, processor: Any, height: int, width: int) -> Prepared:
    """A picture whose three colours are the row, the column and 1: its tiles tell where their pixels come from.

    Rows and columns are in [0, 1]; padding shows 0 as its third colour.
    """
    rows = ((torch.arange(height) + 0.5) / height)[:, None].expand(height, width)
    columns = ((torch.arange(width) + 0.5) / width)[None].expand(height, width)
    planes = torch.stack([rows, columns, torch.ones(height, width)])
    # of all ways to resize, only the bilinear one keeps a straight line straight
    options: dict[str, Any] = {"do_rescale": False, "do_normalize": False, "resample": BILINEAR}
    if about.name == "fuyu_8b":
        options["padding_value"] = 0.0
    with quiet():
        done = processor(planes, return_tensors="pt", **options)
    return _sorted(about, processor, done)


def first_tile(prepared: Prepared) -> Prepared:
    """The same inputs with one tile in place of many, where the system takes tiles one by one."""
    pixels, inputs = prepared.inputs["pixel_values"], dict(prepared.inputs)
    tiled = ("pixel_values", "pixel_attention_mask")
    if pixels.ndim == 5:  # (1, tiles, 3, H, W)
        inputs |= {name: inputs[name][:, :1] for name in tiled if name in inputs}
    elif pixels.ndim == 4:
        inputs["pixel_values"] = pixels[:1]
    return Prepared(inputs, prepared.tiles[:1])


def _sorted(about: RealVLM, processor: Any, done: Any) -> Prepared:
    if about.name == "llama_3_2_11b_vision":
        used = int(torch.as_tensor(done["num_tiles"]).flatten()[0])
        return Prepared({name: done[name] for name in TILED}, list(done["pixel_values"][0, 0, :used]))
    if about.name == "fuyu_8b":
        return _strips(processor, done)
    inputs = {name: done[name] for name in INPUTS if name in done}
    if about.name == "qwen2_5_vl_3b":
        return Prepared(inputs, [_unfolded(processor, done["pixel_values"], done["image_grid_thw"][0])])
    if about.name != "pixtral_12b":
        inputs.pop("image_sizes", None)
    pixels = done["pixel_values"]
    return Prepared(inputs, list(pixels.flatten(0, -4)))


def _strips(processor: Any, done: Any) -> Prepared:
    """Fuyu: only rows and columns of patches that show a part of the picture are kept."""
    whole = torch.as_tensor(done["images"][0][0])
    sides = [int(torch.as_tensor(done[f"image_unpadded_{side}s"]).flatten()[0]) for side in ("height", "width")]
    patch = processor.patch_size["height"]
    rows, columns = (min(ceil(side / patch) * patch, most) for side, most in zip(sides, whole.shape[1:], strict=True))
    tile = whole[:, :rows, :columns]
    return Prepared({"pixel_values": processor.patchify_image(tile[None])}, [tile])


def _unfolded(processor: Any, patches: Tensor, grid: Tensor) -> Tensor:
    """Qwen's patches (N, C*T*p*p), in groups that will be merged -> the picture (3, H, W) that they were cut from."""
    _, rows, columns = grid.tolist()
    merge, patch, times = processor.merge_size, processor.patch_size, processor.temporal_patch_size
    groups = patches.view(rows // merge, columns // merge, merge, merge, 3, times, patch, patch)[:, :, :, :, :, 0]
    return groups.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, rows * patch, columns * patch)


def boxes_of_tile(tile: Tensor, tokens: int, whole_first: bool) -> Tensor:
    """Where the tokens of a tile lie in the picture: (tokens, 4) as (top, left, bottom, right) in [0, 1].

    tile: its coordinates (3, H, W). tokens: how many the system makes of it: a grid, row by row; with `whole_first` one
    in front of them stands for the whole tile. A token that shows padding only has an empty box at the picture's edge.
    """
    height, width = tile.shape[1:]
    cells = tokens - whole_first
    rows = round((cells * height / width) ** 0.5)
    columns = cells // rows
    if rows * columns != cells:
        raise ValueError(f"{cells} tokens of a tile of {height} x {width} pixels form no grid of rows and columns.")
    shown = tile[2] > 0.999
    top = _edges(tile[0], shown.any(dim=1).nonzero().flatten(), shown.any(dim=0).nonzero().flatten(), 0, rows)
    left = _edges(tile[1], shown.any(dim=0).nonzero().flatten(), shown.any(dim=1).nonzero().flatten(), 1, columns)
    grid = torch.stack(
        [
            top[:-1, None].expand(rows, columns),
            left[None, :-1].expand(rows, columns),
            top[1:, None].expand(rows, columns),
            left[None, 1:].expand(rows, columns),
        ],
        dim=-1,
    ).reshape(-1, 4)
    whole = torch.stack([top[0], left[0], top[-1], left[-1]])[None]
    return torch.cat([whole, grid]) if whole_first else grid


def _edges(plane: Tensor, along: Tensor, across: Tensor, axis: int, parts: int) -> Tensor:
    """The edges of equal parts of a tile, as coordinates of the picture: (parts + 1,), cut to [0, 1].

    Resizing keeps a straight line straight except at its ends, so two lines of pixels far from them tell the rest.
    """
    middle = int(across[len(across) // 2])
    near, far = (int(along[len(along) * part // 4]) for part in (1, 3))
    line = plane.select(1 - axis, middle).double()
    step = (line[far] - line[near]) / (far - near)
    side = plane.shape[axis]
    places = torch.arange(parts + 1, dtype=torch.float64) * side / parts
    return (line[near] + (places - 0.5 - near) * step).clamp(0, 1).float()
