"""The order in which a grid lies in memory, and which of its numbers two ways of making tokens read together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vlmteach.language import _
from vlmteach.views.boxes import draw_frame
from vlmteach.views.style import HEAT, INK, PAPER, describe, ink_on, new_figure


def draw_memory_order(places: np.ndarray, ways: Mapping[str, np.ndarray], token: int) -> Figure:
    """A grid as one line of numbers, with one token's numbers framed, beside all tokens; a row for each way to read it.

    places: (C, h, w), for each number of the grid its place in memory. ways: name -> tokens (N, C) of such places.
    A channel is a shade and stands in one stretch of the line. Raises ValueError when the places of the grid are not
    0, 1, 2 … in order, or a way does not hold each of them once.
    """
    if not np.array_equal(places.ravel(), np.arange(places.size)):
        raise ValueError("the places of the grid are not 0, 1, 2 … in order; expected a grid as torch.arange fills it.")
    channels, cells = len(places), places[0].size
    figure, axes = new_figure(len(ways), 2, height=5.4, width_ratios=[3.4, 1], squeeze=False)
    told = []
    for (line, table), (name, tokens) in zip(axes, ways.items(), strict=True):
        if not np.array_equal(np.sort(tokens, axis=None), places.ravel()):
            raise ValueError(f"{name} does not hold each place of the grid once; expected tokens of its numbers.")
        _draw_squares(line, places.reshape(1, -1), cells)
        line.set_title(name)
        line.set_xticks(
            (np.arange(channels) + 0.5) * cells,
            [_("channel {channel}", channel=channel) for channel in range(channels)],
        )
        _draw_squares(table, tokens, cells)
        table.set_title(_("tokens"))
        table.set_yticks(np.arange(len(tokens)) + 0.5, range(len(tokens)))
        for place in tokens[token]:
            draw_frame(line, (0, place, 1, place + 1), INK, 3, halo=6)
        draw_frame(table, (token, 0, token + 1, channels), INK, 3, halo=6)
        told.append(_tell_read(name, token, tokens[token], cells))
    return describe(
        figure,
        _(
            "A grid of {channels} channels, {rows} by {columns} cells, as {count} places in memory, one channel after "
            "another. {told}.",
            channels=channels,
            rows=places.shape[1],
            columns=places.shape[2],
            count=places.size,
            told="; ".join(told),
        ),
    )


def _tell_read(way: str, token: int, places: np.ndarray, cells: int) -> str:
    read = ", ".join(str(place) for place in places)
    first, *others = sorted({int(place) // cells for place in places})
    if not others:
        return _(
            "{way}: token {token} reads {read}, all in channel {channel}",
            way=way,
            token=token,
            read=read,
            channel=first,
        )
    return _(
        "{way}: token {token} reads {read}, in {count} channels", way=way, token=token, read=read, count=1 + len(others)
    )


def _draw_squares(axis: Axes, places: np.ndarray, cells: int) -> None:
    """Places (rows, columns) as squares with their numbers, in the shade of the channel that each lies in."""
    height, width = places.shape
    last = places.max() // cells
    for (row, column), place in np.ndenumerate(places):
        shade = colormaps[HEAT](0.15 + 0.8 * (place // cells) / max(1, last))
        axis.add_patch(Rectangle((column, row), 1, 1, facecolor=shade, edgecolor=PAPER, linewidth=1.5))
        axis.text(column + 0.5, row + 0.5, str(place), ha="center", va="center", color=ink_on(shade), fontsize=11)
    axis.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
