"""What gets weight, and what matters: a map of weights beside a map of measured changes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vlmteach.language import _, from_lesson
from vlmteach.views.rounding import ROUNDING, peak, ranked, tell_size
from vlmteach.views.style import INK, MUTED, describe, new_figure, scale_ends, show_cells, show_picture


def draw_weight_against_change(
    picture: np.ndarray, weights: np.ndarray, change: np.ndarray, title: str, hue: str
) -> Figure:
    """A picture (H, W, 3), the weight of each cell (h, w), the change when it is hidden (h, w), and each cell as a dot.

    title: names the network and its weights. hue: of the dots. If weight measured effect, the dots would rise.
    """
    figure, axes = new_figure(1, 4, height=2.9, width_ratios=[1, 1, 1, 1.2])
    show_picture(axes[0], picture, _("picture"))
    _draw_heat(axes[1], weights, scale_ends([weights])[0], _("weight"))
    _draw_heat(axes[2], change, change.max(), _("change if hidden"))
    axes[3].plot(weights.ravel(), change.ravel(), "o", color=hue, alpha=0.7, markersize=6, mec="white")
    axes[3].axvline(1 / weights.size, color=MUTED, linestyle="--", linewidth=1)
    axes[3].set_xlim(0, 1.1 * weights.max())
    axes[3].set_ylim(bottom=0)
    axes[3].set_title(_("each cell"))
    axes[3].set_xlabel(_("weight (dashed: even)"), fontsize=11)
    axes[3].set_ylabel(_("change"), fontsize=11)
    axes[3].tick_params(labelsize=11)
    axes[3].xaxis.set_major_locator(MaxNLocator(3))
    title = from_lesson(title)
    figure.suptitle(title, fontsize=13, color=INK)
    looked = peak(weights)
    return describe(
        figure,
        _(
            "{title}. The largest weight, {most:.3f}, lies in row {row}, column {column} of {height} by {width} cells "
            "(counted from 0); {change}",
            title=title,
            most=weights.max(),
            row=looked[0],
            column=looked[1],
            height=weights.shape[0],
            width=weights.shape[1],
            change=_tell_change(weights, change),
        ),
    )


def _tell_change(weights: np.ndarray, change: np.ndarray) -> str:
    if change.max() < ROUNDING:
        return _("hiding any one cell changes nothing.")
    row, column = peak(change)
    top = max(1, weights.size // 10)
    both = len(np.intersect1d(ranked(weights)[:top], ranked(change)[:top]))
    return _(
        "hiding row {row}, column {column} changes most. Of the {top} cells with the largest weights, {both} are "
        "among the {top} that change most.",
        row=row,
        column=column,
        top=top,
        both=both,
    )


def _draw_heat(axis: Axes, values: np.ndarray, end: float, title: str) -> None:
    show_cells(axis, values, end)
    axis.set_title(title)
    axis.set_xlabel(_("up to {most}", most=tell_size(values.max())), fontsize=11)
