"""Matrices small enough to read: every number is written into its cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from vlmteach.views.rounding import ROUNDING
from vlmteach.views.style import HEAT, INK, MUTED, PAPER


def show_numbers(
    axis: Axes,
    values: np.ndarray,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    allowed: np.ndarray | None = None,
) -> None:
    """Draw a matrix as heat with its numbers; cell edges lie at whole numbers.

    rows, columns: their names, to the left and above; none where empty. allowed: bool, False hatches a cell and writes
    no number.
    """
    height, width = values.shape
    low, top = min(0.0, float(values.min())), max(float(values.max()), ROUNDING)
    axis.imshow(values, cmap=HEAT, vmin=low, vmax=top, extent=(0, width, height, 0))
    axis.set_aspect("auto")
    for row, column in np.ndindex(height, width):
        if allowed is not None and not allowed[row, column]:
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=PAPER, edgecolor=MUTED, hatch="xx", linewidth=0))
            continue
        colour = INK if values[row, column] > low + 0.6 * (top - low) else PAPER
        number = short(float(values[row, column]))
        axis.text(column + 0.5, row + 0.5, number, ha="center", va="center", color=colour)
    axis.hlines(np.arange(height + 1), 0, width, color=PAPER, linewidth=1.5, zorder=1)
    axis.vlines(np.arange(width + 1), 0, height, color=PAPER, linewidth=1.5, zorder=1)
    axis.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axis.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def short(value: float) -> str:
    """Two digits, which a whole number goes without; never -0."""
    return f"{value:z.2f}".removesuffix(".00")


def tell_row(values: np.ndarray) -> str:
    """Numbers as one writes a row of them: [1, 0, 0.29]."""
    return "[" + ", ".join(short(float(value)) for value in values) + "]"
