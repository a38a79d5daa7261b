"""PatchView without a browser's script: the same panels as a figure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.probes.patchview import Panel, PanelLayer, PatchViewData
from vlmteach.views.boxes import cell_box, draw_frame
from vlmteach.views.patchview_words import (
    BEHIND,
    HUES,
    LIGHT,
    OUTSIDE,
    READOUTS,
    Readout,
    facts_of,
    maps_of,
    stops_of,
    title_of,
)
from vlmteach.views.style import PAPER, describe, new_figure, show_picture

_COLUMNS = 3  # panels in a row


def draw_patchview(
    data: PatchViewData, stop: int, cell: tuple[int, int], chosen: Mapping[str, int] | None = None
) -> Figure:
    """All panels of the explorer at one stop of its layer slider, for one asking cell (row, column).

    chosen: for each panel's title, which of its maps is shown (the first without it); for a panel of words,
    "word" says which word asks.
    Raises ValueError for a stop or a cell that is not there, IndexError for such a map.
    """
    if not 0 <= stop < data.stops:
        raise ValueError(f"stop is {stop}; expected 0 to {data.stops - 1}.")
    if not (0 <= cell[0] < data.cells[0] and 0 <= cell[1] < data.cells[1]):
        raise ValueError(f"cell is {cell}; expected rows below {data.cells[0]} and columns below {data.cells[1]}.")
    chosen = chosen or {}
    rows = -(-len(data.panels) // _COLUMNS)
    figure, axes = new_figure(rows, min(len(data.panels), _COLUMNS), height=5.2 * rows, squeeze=False)
    for axis in axes.ravel()[len(data.panels) :]:
        axis.set_axis_off()
    sentences = []
    for axis, panel in zip(axes.ravel(), data.panels, strict=False):
        layer = panel.layers[panel.at[stop]]
        unit = _unit(panel, layer, data.cells, cell, chosen)
        which = chosen.get(title_of(panel), 0)
        _draw_panel(axis, data, panel, layer, unit, which)
        if not panel.words:
            tall, wide = (length / count for length, count in zip(data.picture.shape, data.cells, strict=False))
            draw_frame(axis, cell_box(cell, tall, wide), PAPER, 1.8, halo=3.5, edge="black")
        lines = [
            f"{_(readout.label)}: {text}" for readout in READOUTS if (text := read_out(layer, readout, which, unit))
        ]
        row, column = layer.rows[unit[0]], layer.columns[unit[1]]
        asked = f"“{panel.words[unit[1]]}”" if panel.words else _("unit ({row}, {column})", row=row, column=column)
        about = ", ".join([layer.name, asked, *maps_of(panel)[which : which + 1]])
        axis.set_title(title_of(panel), color=HUES[panel.kind], fontweight="bold")
        axis.set_xlabel("\n".join([about.replace(", ", "\n", 1), *lines]), fontsize=11)
        sentences.append(f"{title_of(panel)}, {about}: {'; '.join(lines).lower()}.")
    title = from_lesson(data.title)
    figure.suptitle(
        _("{title}, layer {number} of {count}", title=title, number=stop + 1, count=data.stops), fontsize=13
    )
    return describe(
        figure,
        _(
            "{title}, cell {cell}. {stop} {panels}",
            title=title,
            cell=cell,
            stop=stops_of(data)[stop],
            panels=" ".join(sentences),
        ),
    )


def read_out(layer: PanelLayer, readout: Readout, which: int, unit: tuple[int, int]) -> str | None:
    """One number of the read-out as the explorer prints it, or None where it was not measured."""
    facts = facts_of(layer)
    if readout.key in facts:
        return facts[readout.key]
    if readout.key not in layer.numbers:
        return None
    number = float(layer.numbers[readout.key][which, unit[0], unit[1]])
    return f"{number:.{readout.digits}f} {readout.unit}".rstrip()


def _unit(
    panel: Panel, layer: PanelLayer, cells: tuple[int, int], cell: tuple[int, int], chosen: Mapping[str, int]
) -> tuple[int, int]:
    """Which measured unit answers: that of the word, or the one nearest to the cell."""
    if panel.words:
        return 0, chosen.get("word", 0)
    rows, columns = layer.measured(cells)
    return rows[cell[0]], columns[cell[1]]


def _draw_panel(
    axis: Axes, data: PatchViewData, panel: Panel, layer: PanelLayer, unit: tuple[int, int], which: int
) -> None:
    height, width = data.picture.shape[:2]
    picture = data.picture / 255
    box = None if layer.boxes is None else tuple(int(edge) for edge in layer.boxes[unit])
    if panel.maps:
        show_picture(axis, BEHIND * np.repeat(picture.max(axis=2, keepdims=True), 3, axis=2))
        levels = layer.maps[which].levels[unit]
        light = np.broadcast_to(np.array(LIGHT, np.uint8), (*levels.shape, 3))
        axis.imshow(np.dstack([light, levels]), extent=(0, width, height, 0), interpolation="nearest")
    elif box is not None:
        top, left, bottom, right = box
        shaded = picture * OUTSIDE
        shaded[top:bottom, left:right] = picture[top:bottom, left:right]
        show_picture(axis, shaded)
    if box is not None:
        top, left, bottom, right = box
        draw_frame(
            axis,
            (top, left, bottom, right),
            HUES[panel.kind],
            1.8,
            halo=3.5,
            edge="black",
            style="--" if panel.maps else "-",
        )
