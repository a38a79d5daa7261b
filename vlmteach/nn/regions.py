"""Regions: tokens that stand for objects, cut out of a CNN's grid.

Before grids and patches went straight to the language model, a detector chose boxes and each box became one token.
Boxes here are (top, left, bottom, right) in pixels, half-open, as everywhere in this package; libraries of detectors
write (x1, y1, x2, y2), and so does box_geometry, as in the papers it comes from.
Sources: Bottom-Up and Top-Down Attention (1707.07998), LXMERT (1908.07490), UNITER (1909.11740), RoIAlign (1703.06870).
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.nn.checks import check_boxes, check_choice, check_has_grid, check_positive, check_shape
from vlmteach.nn.tokens import VisualTokens

SAMPLES = 14  # points per side at which RoIAlign reads the grid in each box: 7 x 7 parts with 2 x 2 points in each


def region_tokens(grid: Tensor, boxes: Tensor, stride: int) -> Tensor:
    """One token for each box: interpolate the grid at 14 x 14 points inside the box, and average.

    grid: (B, C, H, W); boxes: (B, R, 4) in pixels of the picture; stride: pixels of the picture for one cell.
    Returns (B, R, C). Raises TypeError or ValueError for boxes that are empty, upside down, not finite or outside
    the picture. Source: RoIAlign (1703.06870); equal to torchvision.ops.roi_align with output_size=7,
    sampling_ratio=2 and aligned=True, the version without a half-cell shift, averaged.
    """
    check_shape("the grid", grid, "B", "C", "H", "W")
    check_positive(stride=stride)
    height, width = grid.shape[2:]
    # A grid may have lost up to stride - 1 pixels at the lower and right edge, where an encoder rounds down.
    check_boxes(boxes, grid.shape[0], (height + 1) * stride - 1, (width + 1) * stride - 1)
    top, left, bottom, right = (boxes / stride).to(grid.dtype)[..., None].unbind(-2)  # (B, R, 1) in cells, each
    steps = grid.new_tensor([(step + 0.5) / SAMPLES for step in range(SAMPLES)])
    rows, columns = top + (bottom - top) * steps, left + (right - left) * steps  # (B, R, 14); a cell's middle is at .5
    # grid_sample counts from -1 to 1, edge to edge, and takes (x, y)
    y, x = torch.broadcast_tensors((2 * rows / height - 1)[..., None], (2 * columns / width - 1)[..., None, :])
    sampled = F.grid_sample(grid, torch.stack([x, y], dim=-1).flatten(1, 2), "bilinear", "border", align_corners=False)
    inside = (rows <= height + 0.5)[..., None] & (columns <= width + 0.5)[
        ..., None, :
    ]  # beyond it RoIAlign reads zeros
    return (sampled.unflatten(2, (-1, SAMPLES)) * inside[:, None]).mean(dim=(3, 4)).transpose(1, 2)


def box_geometry(boxes: Tensor, height: int, width: int) -> Tensor:
    """Where each box is and how large: (x1, y1, x2, y2, w, h, w*h), each as a share of the picture.

    boxes: (B, R, 4) in pixels, (top, left, bottom, right); height and width of the picture in pixels.
    Returns (B, R, 7) in [0, 1]. All seven are UNITER's location feature; the first four alone are LXMERT's.
    Raises TypeError or ValueError for boxes that are empty, upside down, not finite or outside the picture.
    """
    check_boxes(boxes, boxes.shape[0], height, width)
    top, left, bottom, right = (boxes / boxes.new_tensor([height, width, height, width])).unbind(-1)
    wide, high = right - left, bottom - top
    return torch.stack([left, top, right, bottom, wide, high, wide * high], dim=-1)


class GridSource(Protocol):
    """An encoder that can show its grid, as GridEncoder, ConvNet and VisionTransformer can."""

    def grid(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, C, H / stride, W / stride)."""


class RegionEncoder(nn.Module):
    """Any encoder with `.grid(image)`, plus boxes, gives region tokens: what they look like plus where they are.

    token = LN(W_a * appearance) + LN(W_g * geometry)

    vision_dim: width C of the encoder's grid; dim: width of the tokens; stride: pixels of the picture for one cell.
    geometry: 7 numbers for each box as in UNITER, or 4 as in LXMERT. Without them a region says what it shows and
    not where, and regions are a set: no position in a sequence tells them apart.
    """

    encoder: GridSource

    def __init__(self, encoder: GridSource, vision_dim: int, dim: int, *, stride: int, geometry: int = 7) -> None:
        super().__init__()
        check_has_grid(encoder)
        check_choice("geometry", geometry, (4, 7))
        self.encoder, self.stride, self.geometry = encoder, stride, geometry
        self.appearance = nn.Sequential(nn.Linear(vision_dim, dim), nn.LayerNorm(dim))
        self.place = nn.Sequential(nn.Linear(geometry, dim), nn.LayerNorm(dim))

    def forward(self, image: Tensor, boxes: Tensor) -> VisualTokens:
        """image: (B, 3, H, W); boxes: (B, R, 4) in pixels. Returns R tokens of width dim for each picture."""
        height, width = image.shape[2:]
        where = box_geometry(boxes, height, width)
        grid = self.encoder.grid(image)
        seen = region_tokens(grid, boxes, self.stride)
        where = where.to(seen.dtype)
        tokens = self.appearance(seen) + self.place(where[..., : self.geometry])
        return VisualTokens(tokens, where[..., [1, 0, 3, 2]])
