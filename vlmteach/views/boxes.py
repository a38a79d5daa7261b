"""Boxes on a picture, (top, left, bottom, right), half-open: their area, and a frame around one."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from vlmteach.views.style import PAPER

Box = tuple[float, float, float, float]
DASHED = (0, (4, 3))


def cell_box(cell: tuple[int, int], tall: float = 1, wide: float = 1) -> Box:
    """The box of a cell (row, column) of a grid whose cells are this tall and wide."""
    row, column = cell
    return row * tall, column * wide, (row + 1) * tall, (column + 1) * wide


def clip_box(box: Box, height: int, width: int) -> Box:
    """The part of a box that lies in a picture."""
    top, left, bottom, right = box
    return max(0, top), max(0, left), min(height, bottom), min(width, right)


def box_area(box: Box) -> float:
    """In square pixels; 0 for a box that was clipped away."""
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def draw_frame(
    axes: Axes, box: Box, colour: str, line: float = 2.5, *, halo: float = 0, edge: str = PAPER, style: Any = "-"
) -> None:
    """Draw the outline of a box, `line` points wide; a halo of another colour keeps it visible on any picture."""
    top, left, bottom, right = box
    for drawn, wide, dashes in [(edge, halo, "-"), (colour, line, style)]:
        if wide:
            frame = Rectangle((left, top), right - left, bottom - top, fill=False, ec=drawn, lw=wide, ls=dashes)
            frame.set(clip_on=False, zorder=3)
            axes.add_patch(frame)
