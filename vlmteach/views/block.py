"""The transformer block: its two branches as a diagram, what its parts keep alive over depth, and who looks where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from vlmteach.language import _, from_lesson
from vlmteach.views.style import DASHES, HEAT, INK, MARKS, MUTED, PAPER, VIT_HUE, describe, new_figure

_STREAM, _BRANCH = 0.6, 1.55  # heights of the residual stream and of the branches beside it
_BOXES = (1.6, 3.2, 6.4, 8.0)  # where the four boxes stand along the stream
_SUMS = (4.9, 9.7)
_HUES = (VIT_HUE, INK, MUTED, "#CC79A7", "#E69F00")  # of the stacks; the last two are Okabe and Ito's too


def draw_block() -> Figure:
    """One pre-norm block: tokens run along the residual stream, and each branch adds a change to them."""
    figure, axis = new_figure(height=2.7)
    axis.set_axis_off()
    axis.set_xlim(0, 11)
    axis.set_ylim(0, 2.3)
    axis.annotate("", (10.9, _STREAM), (0.1, _STREAM), arrowprops={"arrowstyle": "->", "linewidth": 3, "color": INK})
    axis.text(0.1, _STREAM - 0.42, _("x: tokens (B, N, D)"), fontsize=12, color=INK)
    names = (_("norm"), _("attention:\ntokens exchange"), _("norm"), _("MLP: each\ntoken alone"))
    for place, name, wide in zip(_BOXES, names, (False, True, False, True), strict=True):
        _draw_box(axis, place, name, wide)
    for first, second, sums in ((0, 1, 0), (2, 3, 1)):
        _draw_branch(axis, _BOXES[first], _BOXES[second], _SUMS[sums])
    return describe(
        figure,
        _(
            "One transformer block. The tokens x run along a straight line, the residual stream. Beside it lie two "
            "branches: norm, then attention, in which tokens exchange; norm, then MLP, for each token alone. The "
            "result of each branch is added to the stream."
        ),
    )


def _draw_box(axis: Axes, place: float, name: str, wide: bool) -> None:
    half = 0.78 if wide else 0.42
    box = FancyBboxPatch(
        (place - half, _BRANCH - 0.3),
        2 * half,
        0.6,
        boxstyle="round,pad=0.06",
        facecolor=VIT_HUE if wide else PAPER,
        edgecolor=VIT_HUE,
        linewidth=1.5,
    )
    axis.add_patch(box)
    axis.text(place, _BRANCH, name, ha="center", va="center", fontsize=11, color=PAPER if wide else INK)


def _draw_branch(axis: Axes, norm: float, work: float, plus: float) -> None:
    arrow = {"arrowstyle": "->", "linewidth": 1.5, "color": VIT_HUE}
    axis.annotate("", (norm, _BRANCH - 0.36), (norm, _STREAM), arrowprops=arrow)
    axis.annotate("", (work - 0.84, _BRANCH), (norm + 0.48, _BRANCH), arrowprops=arrow)
    axis.plot([work + 0.84, plus], [_BRANCH, _BRANCH], color=VIT_HUE, linewidth=1.5)
    axis.annotate("", (plus, _STREAM + 0.1), (plus, _BRANCH), arrowprops=arrow)
    axis.text(plus, _STREAM, "+", ha="center", va="center", fontsize=15, color=INK, bbox=_circle())


def _circle() -> dict[str, object]:
    return {"boxstyle": "circle,pad=0.12", "facecolor": PAPER, "edgecolor": INK}


class Stack(NamedTuple):
    """Tokens on their way through a stack of blocks: before the first and after each one, for several seeds.

    std: (seeds, 1 + blocks), over all numbers. likeness: (seeds, 1 + blocks), mean cosine between two tokens.
    """

    name: str
    std: NDArray[np.float64]
    likeness: NDArray[np.float64]


def draw_stacks(stacks: Sequence[Stack]) -> Figure:
    """How large tokens are, and how alike, after each block: the mean of the seeds and a band from least to most."""
    figure, (sizes, likenesses) = new_figure(1, 2, height=4.4)
    told = []
    for index, stack in enumerate(stacks):
        name, hue = from_lesson(stack.name), _HUES[index % len(_HUES)]
        for axis, values in ((sizes, stack.std), (likenesses, stack.likeness)):
            depth = np.arange(values.shape[1])
            mean, low, high = values.mean(axis=0), values.min(axis=0), values.max(axis=0)
            axis.plot(depth, mean, DASHES[index], marker=MARKS[index], markersize=5, color=hue, label=name)
            axis.fill_between(depth, low, high, color=hue, alpha=0.15, linewidth=0)
        told.append(
            _(
                "{name}: std {std}, mean cosine {cosine:.2f}",
                name=name,
                std=_round(stack.std[:, -1].mean()),
                cosine=stack.likeness[:, -1].mean(),
            )
        )
    sizes.set_yscale("log")
    sizes.set_title(_("size of the tokens (std)"))
    likenesses.set_title(_("likeness of two tokens (cosine)"))
    likenesses.set_ylim(-0.1, 1.1)
    for axis in (sizes, likenesses):
        axis.set_xlabel(_("blocks passed"))
        axis.axhline(1, color=MUTED, linewidth=0.8)
    figure.legend(*sizes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    blocks = stacks[0].std.shape[1] - 1
    return describe(
        figure,
        _(
            "After {blocks} blocks, mean of {seeds} seeds. {told}.",
            blocks=blocks,
            seeds=len(stacks[0].std),
            told="; ".join(told),
        ),
    )


def _round(number: float) -> str:
    digits = max(0, 1 - math.floor(math.log10(number)))  # two that count
    return f"{float(f'{number:.2g}'):,.{digits}f}"


def draw_who_looks_where(weights: Mapping[str, NDArray[np.float64]], side: int) -> Figure:
    """Matrices (N, N) of attention between the N = side² cells of a grid: rows ask, columns are looked at.

    weights: title -> weights whose rows sum to 1. All share one scale, from 0 to the largest of all. Lines part the
    rows of the grid.
    """
    largest = max(float(matrix.max()) for matrix in weights.values())
    figure, axes = new_figure(1, len(weights), height=3.4, squeeze=False)
    cells = side * side
    own_column = np.arange(cells)[:, None] % side == np.arange(cells) % side
    told = []
    for axis, (name, matrix) in zip(axes[0], weights.items(), strict=True):
        title = from_lesson(name)
        image = axis.imshow(matrix, cmap=HEAT, vmin=0, vmax=largest)
        for edge in range(side, cells, side):
            axis.axhline(edge - 0.5, color=PAPER, linewidth=0.4)
            axis.axvline(edge - 0.5, color=PAPER, linewidth=0.4)
        axis.set_title(title)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_xlabel(_("cell that is looked at"))
        share = (matrix * own_column).sum(axis=1).mean()
        told.append(_("{title}: {share:.0%} of the weight lies in the asking cell's column", title=title, share=share))
    axes[0, 0].set_ylabel(_("cell that asks"))
    figure.colorbar(image, ax=axes[0].tolist(), shrink=0.8, label=_("weight"))
    return describe(
        figure,
        _(
            "Who looks where among {side} by {side} cells; by chance {chance:.0%}. {told}.",
            side=side,
            chance=1 / side,
            told="; ".join(told),
        ),
    )
