"""The PatchView explorer as a page: Python packs what was measured, one ES module shows it.

The page needs no kernel and no network. In a notebook it stands in a frame of its own, so it looks and works the same
in JupyterLab, Colab, VS Code and exported HTML.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from vlmteach.language import _, from_lesson
from vlmteach.probes.patchview import Heat, Panel, PanelLayer, PatchViewData
from vlmteach.views.html import still_html
from vlmteach.views.page import in_frame, make_page
from vlmteach.views.patchview_figure import draw_patchview
from vlmteach.views.patchview_words import (
    BEHIND,
    HUES,
    LIGHT,
    MARKED_READOUTS,
    OUTSIDE,
    READOUTS,
    Readout,
    facts_of,
    maps_of,
    notes_of,
    stops_of,
    title_of,
)

_FRAME_HEIGHT = 760  # pixels until the page has told its frame its own height


class PatchView:
    """The explorer of one PatchViewData: end a notebook cell with it, or write to_html() to a file.

    Point at a cell to preview it, click to pin it; arrows, Home, End, plus and minus do the same from the keyboard.
    Raises TypeError when it is not given a PatchViewData.
    """

    def __init__(self, data: PatchViewData) -> None:
        if not isinstance(data, PatchViewData):
            raise TypeError(
                f"PatchView was given a {type(data).__name__}; expected a PatchViewData, which "
                "vlmteach.probes.measure_patchview makes from two encoders and a picture."
            )
        self.data = data

    def to_html(self) -> str:
        """The whole explorer as one HTML document that opens from disk with the network off."""
        return make_page("explorer", "views/patchview", from_lesson(self.data.title), pack(self.data))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        title = from_lesson(self.data.title)
        frame = in_frame(self.to_html(), title, _FRAME_HEIGHT, still_html(self._as_it_opens()))
        return {"text/html": frame, "text/plain": repr(self)}

    def _as_it_opens(self) -> Figure:
        rows, columns = self.data.cells
        return draw_patchview(self.data, self.data.stops - 1, (rows // 2, columns // 2))

    def __repr__(self) -> str:
        panels = ", ".join(title_of(panel) for panel in self.data.panels)
        return f"PatchView({from_lesson(self.data.title)!r}: {panels}; {self.data.stops} layers)"


def pack(data: PatchViewData) -> dict[str, Any]:
    """The explorer's data as plain JSON: every array becomes {dtype, offset, shape} into one run of base64 bytes."""
    arrays = _Bytes()
    return {
        "title": from_lesson(data.title),
        "picture": arrays.add(data.picture),
        "light": LIGHT,
        "behind": BEHIND,
        "outside": OUTSIDE,
        "hues": HUES,
        "stops": stops_of(data),
        "cells": data.cells,
        "squares": data.squares,
        "notes": notes_of(data),
        "readouts": list(map(_pack_readout, READOUTS)),
        "marked_readouts": list(map(_pack_readout, MARKED_READOUTS)),
        "panels": [_pack_panel(panel, data.cells, arrays) for panel in data.panels],
        "bytes": arrays.encode(),
    }


def _pack_readout(readout: Readout) -> dict[str, Any]:
    return {**readout._asdict(), "label": _(readout.label)}


def _pack_panel(panel: Panel, cells: tuple[int, int], arrays: _Bytes) -> dict[str, Any]:
    return {
        "title": title_of(panel),
        "hue": panel.kind,
        "at": panel.at,
        "maps": maps_of(panel),
        "words": panel.words,
        "layers": [_pack_layer(layer, cells, arrays) for layer in panel.layers],
    }


def _pack_layer(layer: PanelLayer, cells: tuple[int, int], arrays: _Bytes) -> dict[str, Any]:
    row_of, column_of = layer.measured(cells)
    return {
        "name": layer.name,
        "units": layer.units,
        "rows": layer.rows,
        "columns": layer.columns,
        "row_of": row_of,
        "column_of": column_of,
        "boxes": None if layer.boxes is None else arrays.add(layer.boxes),
        "maps": [_pack_heat(heat, arrays) for heat in layer.maps],
        "numbers": {key: arrays.add(values) for key, values in layer.numbers.items()},
        "facts": facts_of(layer),
        "weights": [_pack_heat(heat, arrays) for heat in layer.weights],
        "change": None if layer.change is None else _pack_heat(layer.change, arrays),
    }


def _pack_heat(heat: Heat, arrays: _Bytes) -> dict[str, Any]:
    return {"levels": arrays.add(heat.levels), "peak": arrays.add(heat.peak)}


class _Bytes:
    """All arrays of a page end to end, each once, little-endian, on addresses that typed arrays accept."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.offsets: dict[bytes, int] = {}

    def add(self, array: NDArray[Any]) -> dict[str, Any]:
        content = array.astype(array.dtype.newbyteorder("<")).tobytes()
        if content not in self.offsets:
            self.offsets[content] = len(self.bytes)
            self.bytes += content
            self.bytes += bytes(-len(self.bytes) % 4)
        return {"dtype": array.dtype.name, "offset": self.offsets[content], "shape": array.shape}

    def encode(self) -> dict[str, Any]:
        deflated = zlib.compress(bytes(self.bytes), level=9)
        smaller = len(deflated) < len(self.bytes)
        content = deflated if smaller else bytes(self.bytes)
        return {"base64": base64.b64encode(content).decode("ascii"), "deflated": smaller}
