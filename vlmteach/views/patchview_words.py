"""The words and shades of the PatchView explorer: titles, labels, what each stop shows, and how it was measured."""

from __future__ import annotations

import re
from typing import NamedTuple

import matplotlib
from matplotlib.colors import to_rgb

from vlmteach.language import N_, _
from vlmteach.probes.patchview import LONGEST_MAP, Panel, PanelLayer, PatchViewData
from vlmteach.views.style import CNN_HUE, HEAT, LANGUAGE_HUE, VIT_HUE

LIGHT = [round(255 * part) for part in to_rgb(matplotlib.colormaps[HEAT](1.0))]  # of maps, where they are highest
BEHIND, OUTSIDE = 0.5, 0.35  # how bright the picture stays behind a map, and outside a box
HUES = {"cnn": CNN_HUE, "vit": VIT_HUE, "language": LANGUAGE_HUE}
_TITLES = {
    ("box", "cnn"): N_("Receptive box"),
    ("field", "cnn"): N_("Effective field"),
    ("field", "vit"): N_("Effective field of the ViT"),
    ("attention", "vit"): N_("Attention"),
    ("attention", "language"): N_("Attention of words"),
}


class Readout(NamedTuple):
    """One line of the read-out: its key in PanelLayer.numbers or facts_of, its name, its unit, its printed digits."""

    key: str
    label: str
    unit: str
    digits: int


READOUTS = (
    Readout("size", N_("Field size"), "px", 1),  # of what a unit can see; what it uses has no edge
    Readout("share", N_("Share of the picture"), "%", 1),
    Readout("distance", N_("Mean distance"), "px", 1),
    Readout("peak", N_("Highest cell weight"), "", 3),
)
_MAPS = {
    "gradient": N_("gradient"),
    "change when hidden": N_("change when hidden"),
    "mean of heads": N_("mean of heads"),
    "rollout": N_("rollout"),
}
# What is read about a second, marked cell: from PanelLayer.weights and PanelLayer.change.
MARKED_READOUTS = (
    Readout("weight", N_("Marked cell's weight"), "", 3),
    Readout("change", N_("Change when hidden"), "%", 1),
)


def title_of(panel: Panel) -> str:
    """What stands above a panel."""
    known = _TITLES.get((panel.shows, panel.kind))
    return _(known) if known else f"{panel.shows}, {panel.kind}".capitalize()


def maps_of(panel: Panel) -> list[str]:
    """What each of a panel's maps is called."""
    heads = [re.fullmatch(r"head (\d+)", name) for name in panel.maps]
    return [
        _("head {number}", number=head[1]) if head else _(_MAPS.get(name, name))
        for name, head in zip(panel.maps, heads, strict=True)
    ]


def facts_of(layer: PanelLayer) -> dict[str, str]:
    """Words that hold for a whole layer and are shown in place of a number: {key of a read-out: words}."""
    if layer.whole_field is None:
        return {}
    if layer.whole_field == "global":
        return {"size": _("whole picture")}
    height, width = layer.whole_field
    return {"size": _("{height} × {width} px", height=height, width=width)}


def stops_of(data: PatchViewData) -> list[str]:
    """A sentence for each stop of the layer slider: which layers are shown, and how they were matched."""
    first = {panel.kind: panel for panel in reversed(data.panels)}  # one of each network
    return [_stop([first[kind] for kind in reversed(first)], i, data.stops) for i in range(data.stops)]


def _stop(panels: list[Panel], index: int, count: int) -> str:
    names = [
        _(
            "{layer} ({number} of {count})",
            layer=panel.layers[panel.at[index]].name,
            number=panel.at[index] + 1,
            count=len(panel.layers),
        )
        for panel in panels
    ]
    if len(panels) == 1:
        return _("Layer {layer}.", layer=names[0])
    return _(
        "Depth {depth} %: {layers}; layers are matched by relative depth.",
        depth=round(100 * (index + 1) / count),
        layers=_(" beside ").join(names),
    )


def notes_of(data: PatchViewData) -> list[str]:
    """What a reader must know about how it was measured, a sentence or two each."""
    how, height, width = data.how, *data.picture.shape[:2]
    notes = []
    if how.original is not None:
        notes.append(
            _(
                "The picture came with {high} × {wide} pixels and was reduced to {height} × {width} before anything "
                "was measured.",
                high=how.original[0],
                wide=how.original[1],
                height=height,
                width=width,
            )
        )
    if any(panel.words for panel in data.panels):
        notes.append(_("Attention to the cells of the picture, scaled to sum to 1; what goes to words is left out."))
        if any(layer.change is not None for panel in data.panels for layer in panel.layers):
            notes.append(_("Change: how far the word's answer moves when the cell is hidden."))
        return notes
    notes.append(
        _(
            "The share counts the pixels above 4.55 % of the peak; of a receptive box, all pixels. "
            "Mean distance is measured from the middle of the unit's own cell, weighting each pixel by its value."
        )
    )
    if how.anchors is not None:
        notes.append(
            _(
                "Effective field: |gradient| averaged over {pictures} of seeded noise, measured for {units}.",
                pictures=_("one picture") if how.noise == 1 else _("{count} pictures", count=how.noise),
                units=_("every cell")
                if how.anchors == data.cells
                else _("{rows} × {columns} units, the dots", rows=how.anchors[0], columns=how.anchors[1]),
            )
        )
    if max(height, width) > LONGEST_MAP:
        notes.append(
            _(
                "Fine maps are averaged to at most {longest} entries a side for display, but measured in full.",
                longest=LONGEST_MAP,
            )
        )
    notes.append(_hidden(data))
    if how.not_local is not None:
        layer, reason = how.not_local
        notes.append(_("From {layer} on the CNN is not local: {reason}.", layer=layer, reason=reason))
    if any(panel.shows == "attention" for panel in data.panels):
        notes.append(
            _("Rollout multiplies the attention of all layers so far: bookkeeping of paths, not a measurement.")
        )
    if how.prefix_tokens_left_out:
        notes.append(_("Attention to tokens without a place (CLS, registers) is left out; the rest sums to 1."))
    return notes


def _hidden(data: PatchViewData) -> str:
    if data.squares == (0, 0):
        if any(panel.shows == "attention" for panel in data.panels):
            return _("No square was hidden, so weights are not compared with measured changes.")
        return _("No square was hidden.")
    return _(
        "Hidden: each of {rows} × {columns} squares, in the picture's mean colour. Change: how far the unit's vector "
        "moves, in per cent of the layer's mean vector length.",
        rows=data.squares[0],
        columns=data.squares[1],
    )
