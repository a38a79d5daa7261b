"""The words and shades of the PatchView explorer: titles, labels, what each stop shows, and how it was measured."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib
from matplotlib.colors import to_rgb

from vlmteach.probes.patchview import LONGEST_MAP, Panel, PanelLayer, PatchViewData
from vlmteach.views.style import CNN_HUE, HEAT, LANGUAGE_HUE, VIT_HUE

LIGHT = [round(255 * part) for part in to_rgb(matplotlib.colormaps[HEAT](1.0))]  # of maps, where they are highest
BEHIND, OUTSIDE = 0.5, 0.35  # how bright the picture stays behind a map, and outside a box
HUES = {"cnn": CNN_HUE, "vit": VIT_HUE, "language": LANGUAGE_HUE}
_TITLES = {
    ("box", "cnn"): "Receptive box",
    ("field", "cnn"): "Effective field",
    ("field", "vit"): "Effective field of the ViT",
    ("attention", "vit"): "Attention",
    ("attention", "language"): "Attention of words",
}


class Readout(NamedTuple):
    """One line of the read-out: its key in PanelLayer.numbers or facts_of, its name, its unit, its printed digits."""

    key: str
    label: str
    unit: str
    digits: int


READOUTS = (
    Readout("size", "Field size", "px", 1),  # of what a unit can see; what it uses has no edge
    Readout("share", "Share of the picture", "%", 1),
    Readout("distance", "Mean distance", "px", 1),
    Readout("peak", "Highest cell weight", "", 3),
)
# What is read about a second, marked cell: from PanelLayer.weights and PanelLayer.change.
MARKED_READOUTS = (
    Readout("weight", "Marked cell's weight", "", 3),
    Readout("change", "Change when hidden", "%", 1),
)


def title_of(panel: Panel) -> str:
    """What stands above a panel."""
    return _TITLES.get((panel.shows, panel.kind), f"{panel.shows}, {panel.kind}".capitalize())


def facts_of(layer: PanelLayer) -> dict[str, str]:
    """Words that hold for a whole layer and are shown in place of a number: {key of a read-out: words}."""
    if layer.whole_field is None:
        return {}
    if layer.whole_field == "global":
        return {"size": "whole picture"}
    return {"size": f"{layer.whole_field[0]} × {layer.whole_field[1]} px"}


def stops_of(data: PatchViewData) -> list[str]:
    """A sentence for each stop of the layer slider: which layers are shown, and how they were matched."""
    first = {panel.kind: panel for panel in reversed(data.panels)}  # one of each network
    return [_stop([first[kind] for kind in reversed(first)], i, data.stops) for i in range(data.stops)]


def _stop(panels: list[Panel], index: int, count: int) -> str:
    names = [f"{panel.layers[panel.at[index]].name} ({panel.at[index] + 1} of {len(panel.layers)})" for panel in panels]
    if len(panels) == 1:
        return f"Layer {names[0]}."
    depth = round(100 * (index + 1) / count)
    return f"Depth {depth} %: {' beside '.join(names)}; layers are matched by relative depth."


def notes_of(data: PatchViewData) -> list[str]:
    """What a reader must know about how it was measured, a sentence or two each."""
    how, height, width = data.how, *data.picture.shape[:2]
    notes = []
    if how.original is not None:
        notes.append(
            f"The picture came with {how.original[0]} × {how.original[1]} pixels and was reduced to "
            f"{height} × {width} before anything was measured."
        )
    if any(panel.words for panel in data.panels):
        notes.append("Attention to the cells of the picture, scaled to sum to 1; what goes to words is left out.")
        if any(layer.change is not None for panel in data.panels for layer in panel.layers):
            notes.append("Change: how far the word's answer moves when the cell is hidden.")
        return notes
    notes.append(
        "The share counts the pixels above 4.55 % of the peak; of a receptive box, all pixels. "
        "Mean distance is measured from the middle of the unit's own cell, weighting each pixel by its value."
    )
    if how.anchors is not None:
        which = "every cell" if how.anchors == data.cells else f"{how.anchors[0]} × {how.anchors[1]} units, the dots"
        noise = "one picture" if how.noise == 1 else f"{how.noise} pictures"
        notes.append(f"Effective field: |gradient| averaged over {noise} of seeded noise, measured for {which}.")
    if max(height, width) > LONGEST_MAP:
        notes.append(
            f"Fine maps are averaged to at most {LONGEST_MAP} entries a side for display, but measured in full."
        )
    notes.append(_hidden(data))
    if how.not_local is not None:
        notes.append(f"From {how.not_local[0]} on the CNN is not local: {how.not_local[1]}.")
    if any(panel.shows == "attention" for panel in data.panels):
        notes.append("Rollout multiplies the attention of all layers so far: bookkeeping of paths, not a measurement.")
    if how.prefix_tokens_left_out:
        notes.append("Attention to tokens without a place (CLS, registers) is left out; the rest sums to 1.")
    return notes


def _hidden(data: PatchViewData) -> str:
    if data.squares == (0, 0):
        weights = any(panel.shows == "attention" for panel in data.panels)
        return "No square was hidden" + (", so weights are not compared with measured changes." if weights else ".")
    return (
        f"Hidden: each of {data.squares[0]} × {data.squares[1]} squares, in the picture's mean colour. Change: how "
        "far the unit's vector moves, in per cent of the layer's mean vector length."
    )
