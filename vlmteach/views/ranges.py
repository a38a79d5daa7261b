"""The same measurement on several pictures: from the lowest to the highest, for every layer, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.style import MARKS, MUTED, PAPER, describe, new_figure

SPREAD = 0.62  # of the room between two layers that its bars may take


class Measured(NamedTuple):
    """One network. values: (pictures, layers, k), k numbers of each layer, such as its heads. hue: of its bars."""

    name: str
    hue: str
    values: np.ndarray


def draw_ranges(
    panels: Mapping[str, Sequence[Measured]], layers: Sequence[str], what: str, even: float | None = None
) -> Figure:
    """For every layer a bar for each of its k numbers, from the lowest to the highest picture, a mark at their mean.

    panels: title -> the networks drawn in it. A layer's k numbers are sorted by their mean. layers: what stands below.
    what: on the axis, with its unit. even: a line for comparison, where every pixel counts alike.
    """
    figure, axes = new_figure(1, len(panels), height=4.2, sharey=True, squeeze=False)
    words, what = [], from_lesson(what)
    for axis, (title, networks) in zip(axes[0], panels.items(), strict=True):
        for i, network in enumerate(networks):
            _draw_bars(axis, network, i, len(networks), MARKS[i % len(MARKS)])
            name = f", {from_lesson(network.name)}" if len(networks) > 1 else ""
            words.append(f"{from_lesson(title)}{name}: {_in_words(network.values, layers)}")
        axis.set_title(from_lesson(title))
        axis.set_xticks(range(len(layers)), [from_lesson(layer) for layer in layers])
        if even is not None:
            axis.axhline(even, color=MUTED, linewidth=1)
    if even is not None:
        place = axes[0, -1].get_yaxis_transform()  # in the corner, whatever the layers are
        axes[0, -1].text(
            0.99, 0.98 * even, _("all pixels alike"), transform=place, color=MUTED, fontsize=11, va="top", ha="right"
        )
    axes[0, 0].set_ylim(0, 1.06 * max(even or 0, *(one.values.max() for some in panels.values() for one in some)))
    axes[0, 0].set_ylabel(what)
    if max(len(networks) for networks in panels.values()) > 1:
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=11)
    pictures = len(next(iter(panels.values()))[0].values)
    told = _("{what}, over {pictures} pictures.", what=what, pictures=pictures)
    if even is not None:
        told += _(" All pixels alike would be {even:.0f}.", even=even)
    return describe(figure, f"{told} {'; '.join(words)}.")


def _draw_bars(axis: Axes, network: Measured, index: int, of: int, mark: str) -> None:
    order = network.values.mean(axis=0).argsort(axis=-1, kind="stable")
    values = np.take_along_axis(network.values, order[None], axis=-1)
    low, mean, high = values.min(axis=0), values.mean(axis=0), values.max(axis=0)
    count = values.shape[-1]
    slots = of * count
    for k in range(count):
        shift = SPREAD * ((index * count + k + 0.5) / slots - 0.5)
        x = np.arange(values.shape[1]) + shift
        axis.vlines(x, low[:, k], high[:, k], color=network.hue, linewidth=2, alpha=0.6)
        label = from_lesson(network.name) if k == 0 else None
        axis.plot(x, mean[:, k], mark, color=network.hue, markersize=5 if slots > 4 else 7, mec=PAPER, label=label)


def _in_words(values: np.ndarray, layers: Sequence[str]) -> str:
    first, last = (
        _(
            "{layer} {least:.0f} to {most:.0f}",
            layer=from_lesson(layers[i]),
            least=values[:, i].min(),
            most=values[:, i].max(),
        )
        for i in (0, -1)
    )
    return f"{first}, … {last}" if len(layers) > 2 else f"{first}, {last}"
