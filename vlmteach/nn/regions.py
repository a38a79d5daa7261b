"""Regions: tokens that stand for objects, cut out of a CNN's grid.

Before grids and patches went straight to the language model, a detector chose boxes and each box became one token.
Boxes here are (top, left, bottom, right) in pixels, half-open, as everywhere in this package; torchvision's RoIAlign
wants (x1, y1, x2, y2), and the one place where the order changes is region_tokens.
Sources: Bottom-Up and Top-Down Attention (1707.07998), LXMERT (1908.07490), UNITER (1909.11740), RoIAlign (1703.06870).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from vlmteach.nn.tokens import VisualTokens

ROI_SIZE = 7  # cells per side that RoIAlign samples in each box before they are averaged


def region_tokens(grid: Tensor, boxes: Tensor, stride: int) -> Tensor:
    """One token for each box: sample the grid inside the box, then average.

    grid: (B, C, H, W); boxes: (B, R, 4) in pixels of the picture; stride: pixels of the picture for one cell.
    Returns (B, R, C). Raises TypeError or ValueError for boxes that are empty, upside down, not finite or outside
    the picture. Source: torchvision.ops.roi_align with aligned=True, the version without a half-cell shift.
    """
    from torchvision.ops import roi_align  # here, because importing torchvision takes seconds

    if grid.ndim != 4:
        raise ValueError(f"the grid has shape {tuple(grid.shape)}; expected four axes (B, C, H, W).")
    if stride < 1:
        raise ValueError(f"stride is {stride}; expected the number of picture pixels for one cell, 1 or more.")
    # A grid may have lost up to stride - 1 pixels at the lower and right edge, where an encoder rounds down.
    height, width = [(side + 1) * stride - 1 for side in grid.shape[2:]]
    check_boxes(boxes, grid.shape[0], height, width)
    corners = boxes[..., [1, 0, 3, 2]].to(grid.dtype)  # (top, left, bottom, right) -> (x1, y1, x2, y2)
    sampled = roi_align(
        grid, list(corners), ROI_SIZE, spatial_scale=1 / stride, sampling_ratio=2, aligned=True
    )  # (B*R, C, 7, 7)
    return sampled.mean(dim=(2, 3)).unflatten(0, boxes.shape[:2])


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

    channels: width C of the encoder's grid; stride: its pixels for one cell; dim: width of the tokens.
    geometry: 7 numbers for each box as in UNITER, or 4 as in LXMERT. Without them a region says what it shows and
    not where, and regions are a set: no position in a sequence tells them apart.
    """

    encoder: GridSource

    def __init__(self, encoder: GridSource, channels: int, stride: int, dim: int, geometry: int = 7) -> None:
        super().__init__()
        if not hasattr(encoder, "grid"):
            raise TypeError(
                f"a {type(encoder).__name__} has no method grid(image); regions are cut out of a grid. "
                "GridEncoder gives it to any CNN of torchvision or timm; ConvNet and VisionTransformer have it."
            )
        if geometry not in (4, 7):
            raise ValueError(f"geometry is {geometry}; expected 7 numbers for each box (UNITER) or 4 (LXMERT).")
        self.encoder, self.stride, self.geometry = encoder, stride, geometry
        self.appearance = nn.Sequential(nn.Linear(channels, dim), nn.LayerNorm(dim))
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


def check_boxes(boxes: Tensor, batch: int, height: int, width: int) -> None:
    """Raise unless boxes are (batch, R, 4) with R >= 1, finite, the right way up and inside height x width pixels."""
    if not isinstance(boxes, Tensor):
        raise TypeError(f"boxes is a {type(boxes).__name__}; expected a tensor (B, R, 4): torch.tensor(boxes)[None].")
    if boxes.ndim != 3 or boxes.shape[0] != batch or boxes.shape[2] != 4:
        raise ValueError(
            f"boxes has shape {tuple(boxes.shape)}; expected ({batch}, R, 4): for each picture, R boxes "
            "(top, left, bottom, right). Boxes of one picture need a batch axis in front: boxes[None]."
        )
    if boxes.shape[1] == 0:
        raise ValueError(
            "there are zero boxes, so there would be no visual token at all; expected one or more for each picture. "
            "A box around the whole picture, (0, 0, height, width), is the usual way out."
        )
    if not boxes.isfinite().all():
        raise ValueError(
            "boxes holds NaN or infinite values; expected pixels. Look where the detector divides by zero."
        )
    top, left, bottom, right = boxes.unbind(-1)
    if (bottom <= top).any() or (right <= left).any():
        raise ValueError(
            "a box is empty or upside down: expected bottom > top and right > left. The order here is "
            "(top, left, bottom, right); torchvision's (x1, y1, x2, y2) becomes it with boxes[..., [1, 0, 3, 2]]."
        )
    if (top < 0).any() or (left < 0).any() or (bottom > height).any() or (right > width).any():
        raise ValueError(
            f"a box reaches outside the picture: expected 0 <= top, left and bottom <= {height}, right <= {width} "
            "(pixels). Clip the boxes to the picture, or scale them if the picture was resized."
        )
