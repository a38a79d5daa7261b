"""What the PatchView explorer shows: everything measured beforehand, in one frozen value.

A page that runs without Python can only look things up. So each map of each unit is stored as bytes of its own peak,
each number as a float, and the explorer colours and prints them; it computes nothing. Boxes are (top, left, bottom,
right) in pixels of the picture, half-open; rows before columns everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlmteach.probes.patchview.heat import Heat, check_array

KINDS = ("cnn", "vit", "language")
SHOWN = ("box", "field", "attention")
NUMBERS = ("share", "distance", "peak")  # of a unit: per cent, pixels, share
LONGEST_SIDE = 512  # pixels: a larger picture would make the page heavy and show nothing more


@dataclass(frozen=True)
class PanelLayer:
    """What one panel shows at one layer.

    name:          the layer as the model names it.
    units:         (rows, columns) of the layer's grid of units; (1, words) for a panel of words.
    rows, columns: the units that were measured, as indices into that grid; a cell shows the nearest.
    boxes:         (rows, columns, 4) int16 for each measured unit, clipped to the picture, or None.
    maps:          one Heat for each of the panel's map names.
    numbers:       {one of NUMBERS: (maps, rows, columns) float32}; a panel without maps counts as one map.
    whole_field:   (height, width) of the unclipped field of every unit, in pixels; "global" where it is all there is.
    weights:       one Heat for each map: the share of its weight that lies in each square (PatchViewData.squares).
    change:        Heat of the measured change of the unit, in per cent, when that square is hidden; None if not done.
    """

    name: str
    units: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    boxes: NDArray[np.int16] | None = None
    maps: tuple[Heat, ...] = ()
    numbers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    whole_field: tuple[int, int] | Literal["global"] | None = None
    weights: tuple[Heat, ...] = ()
    change: Heat | None = None

    def __post_init__(self) -> None:
        for axis, measured, count in (("rows", self.rows, self.units[0]), ("columns", self.columns, self.units[1])):
            if not measured or list(measured) != sorted(set(measured)) or not 0 <= measured[0] <= measured[-1] < count:
                raise ValueError(
                    f"layer {self.name!r} measured the {axis} {measured}; expected different indices in rising order, "
                    f"from 0 to {count - 1}, at least one."
                )
        grid = (len(self.rows), len(self.columns))
        if self.boxes is not None:
            check_array("boxes", self.boxes, np.int16, 3, "A box is (top, left, bottom, right) in pixels.")
            _check_shape(self.name, "boxes", self.boxes.shape, (*grid, 4))
        for name, heats in (("maps", self.maps), ("weights", self.weights), ("change", self._change())):
            for heat in heats:
                _check_shape(self.name, name, heat.peak.shape, grid)
        if self.boxes is None and not self.maps:
            raise ValueError(f"layer {self.name!r} has neither boxes nor maps; there is nothing to show.")
        if self.weights and len(self.weights) != len(self.maps):
            raise ValueError(
                f"layer {self.name!r} has {len(self.maps)} maps but weights for {len(self.weights)}; expected as many."
            )
        for key, values in self.numbers.items():
            check_array(key, values, np.float32, 3, "Turn it into float32 knowingly.")
            _check_shape(self.name, key, values.shape, (max(len(self.maps), 1), *grid))
            if key not in NUMBERS:
                raise ValueError(f"layer {self.name!r} has numbers {key!r}; expected some of {', '.join(NUMBERS)}.")

    def _change(self) -> tuple[Heat, ...]:
        return () if self.change is None else (self.change,)

    def measured(self, cells: tuple[int, int]) -> tuple[list[int], list[int]]:
        """For each row and each column of the explorer's cells: which of the measured units lies nearest."""
        return _nearest(self.rows, self.units[0], cells[0]), _nearest(self.columns, self.units[1], cells[1])


@dataclass(frozen=True)
class Panel:
    """One of the linked pictures.

    shows:  one of SHOWN: the largest box that a unit can see, the field that it really uses, or attention.
    kind:   one of KINDS: of the network it is about.
    layers: the layers measured; at: for each stop of the layer slider, which of them it shows.
    maps:   the names to pick from (mean, heads, rollout), none for a panel of boxes.
    words:  a panel that is asked by words, not by cells, names them here.
    """

    shows: str
    kind: str
    layers: tuple[PanelLayer, ...]
    at: tuple[int, ...]
    maps: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in messages, for instance "vit attention"."""
        return f"{self.kind} {self.shows}"

    def __post_init__(self) -> None:
        for name, given, known in (("shows", self.shows, SHOWN), ("kind", self.kind, KINDS)):
            if given not in known:
                raise ValueError(f"{name} of a panel is {given!r}; expected one of {', '.join(known)}.")
        if not self.layers:
            raise ValueError(f"panel {self.name!r} has no layers; expected at least one. Leave the panel out instead.")
        if any(not 0 <= index < len(self.layers) for index in self.at):
            raise ValueError(
                f"panel {self.name!r} shows the layers {self.at}; expected indices from 0 to {len(self.layers) - 1}."
            )
        for layer in self.layers:
            if len(layer.maps) != len(self.maps):
                raise ValueError(
                    f"panel {self.name!r} names {len(self.maps)} maps but layer {layer.name!r} has {len(layer.maps)}."
                )
            if self.words and (layer.units != (1, len(self.words)) or len(layer.columns) != len(self.words)):
                raise ValueError(
                    f"panel {self.name!r} has {len(self.words)} words but layer {layer.name!r} has measured "
                    f"{len(layer.columns)} of {layer.units} units; expected (1, {len(self.words)}), all measured."
                )


@dataclass(frozen=True)
class Measurement:
    """How it was measured, as far as the numbers themselves do not tell.

    original:  (height, width) of the picture before it was reduced; None when it came as it is.
    anchors:   how many (rows, columns) of units had their effective field taken; None when none had.
    noise:     pictures over which an effective field was averaged.
    not_local: the first layer of the CNN with a global field, and the reason; None when all are local.
    prefix_tokens_left_out: whether attention to tokens without a place was dropped, and the rest scaled to sum to 1.
    """

    original: tuple[int, int] | None = None
    anchors: tuple[int, int] | None = None
    noise: int = 0
    not_local: tuple[str, str] | None = None
    prefix_tokens_left_out: bool = False


@dataclass(frozen=True)
class PatchViewData:
    """One picture, what each panel shows of it, and how they are linked.

    title:   the heading.
    picture: (H, W, 3) uint8, at most 512 pixels a side.
    panels:  one to four, left to right; any kind may be absent. All have a layer for each stop of the layer slider.
    cells:   (rows, columns) in which a person moves over the picture.
    squares: (rows, columns) of the squares whose weights, and whose effect when hidden, can be read; (0, 0) for none.
    how:     how it was measured.
    Raises ValueError or TypeError, with a sentence, when the parts do not fit together.
    """

    title: str
    picture: NDArray[np.uint8]
    panels: tuple[Panel, ...]
    cells: tuple[int, int]
    squares: tuple[int, int] = (0, 0)
    how: Measurement = Measurement()

    def __post_init__(self) -> None:
        check_array("picture", self.picture, np.uint8, 3, "Scale a float picture to bytes knowingly.")
        height, width, channels = self.picture.shape
        if channels != 3 or max(height, width) > LONGEST_SIDE:
            raise ValueError(
                f"the picture has shape {self.picture.shape}; expected (H, W, 3) with sides up to {LONGEST_SIDE}. "
                "Make it smaller first (reduce_picture does)."
            )
        if not self.panels or not self.stops:
            raise ValueError("there are no panels or no layers to show; expected at least one of each.")
        if min(self.cells) < 1 or self.cells[0] > height or self.cells[1] > width:
            raise ValueError(f"cells is {self.cells}; expected rows and columns from 1 to {height} and {width}.")
        for panel in self.panels:
            self._check_panel(panel)

    @property
    def stops(self) -> int:
        """How many stops the layer slider has."""
        return len(self.panels[0].at)

    def _check_panel(self, panel: Panel) -> None:
        if len(panel.at) != self.stops:
            raise ValueError(
                f"panel {panel.name!r} has layers for {len(panel.at)} stops of the slider but there are "
                f"{self.stops}; expected one for each."
            )
        height, width = self.picture.shape[:2]
        for layer in panel.layers:
            for heat in (*layer.weights, *layer._change()):
                _check_shape(layer.name, "weights and change", heat.levels.shape[2:], self.squares)
            if layer.boxes is not None and not _inside(layer.boxes, height, width):
                raise ValueError(
                    f"layer {layer.name!r} has boxes that leave the picture of {height} x {width} pixels; "
                    "expected clipped boxes (top, left, bottom, right)."
                )


def _nearest(measured: tuple[int, ...], units: int, cells: int) -> list[int]:
    centres = (np.array(measured) + 0.5) / units
    wanted = (np.arange(cells) + 0.5) / cells
    apart = np.abs(wanted[:, None] - centres).round(9)
    # of two equally near, the later one: then a unit measured for two cells answers for these two
    return (len(measured) - 1 - apart[:, ::-1].argmin(axis=1)).tolist()


def _inside(boxes: NDArray[np.int16], height: int, width: int) -> bool:
    top, left, bottom, right = np.moveaxis(boxes, -1, 0)
    ordered = (top <= bottom) & (left <= right)
    return bool((ordered & (top >= 0) & (left >= 0) & (bottom <= height) & (right <= width)).all())


def _check_shape(layer: str, name: str, given: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if tuple(given) != tuple(expected):
        raise ValueError(f"layer {layer!r} has {name} for {tuple(given)}; expected {tuple(expected)}.")
