"""The parts of a vision-language model and what each hands to the next: the map on which every lesson has its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from vlmteach.language import N_, _
from vlmteach.views.style import CNN_HUE, INK, LANGUAGE_HUE, MUTED, PAPER, VIT_HUE, describe, new_figure

VLM_PARTS = (N_("CNN"), N_("ViT"), N_("tokens"), N_("connector"), N_("language model"))
SYMBOLS = {"picture": "3 × H × W", "tokens": "N × D", "handed on": "N′ × D′"}  # shapes of what flows, without a batch

_ROOM = {"picture": 0.75, "encoder": 2.55, "tokens": 4.6, "connector": 6.3, "handed on": 8.0, "language model": 9.95}
_ANSWER = 11.75  # where the arrow of the answer ends
_MIDDLE, _HALF = 1.35, 0.52  # of the boxes, in height
_SHOWN = 5  # tokens drawn, however many there are


def draw_vlm(lit: Collection[str], shapes: Mapping[str, Sequence[int]] | None = None) -> Figure:
    """From a picture to an answer through the three parts of a VLM, with those in `lit` in colour.

    lit: some of VLM_PARTS, underlined where not all are lit. shapes: those of "picture", "tokens" and "handed on";
    what has none gets its symbols.
    Raises ValueError when nothing is lit, and for a part or a shape that the map does not have.
    """
    given = dict(shapes or {})
    _check("part", lit, VLM_PARTS)
    _check("shape", given, SYMBOLS)
    if not lit:
        raise ValueError(f"no part is lit; expected at least one of {', '.join(VLM_PARTS)}.")
    told = {name: " × ".join(map(str, given[name])) if name in given else SYMBOLS[name] for name in SYMBOLS}
    figure, axis = new_figure(height=2.25)
    axis.set_axis_off()
    axis.set(xlim=(0, 12), ylim=(-0.15, 2.85))
    _draw_picture(axis, told["picture"])
    _draw_box(
        axis, "encoder", 0.85, {"CNN": (_("CNN"), CNN_HUE), "ViT": (_("ViT"), VIT_HUE)}, lit, title=_("image encoder")
    )
    _draw_tokens(axis, "tokens", told["tokens"], "tokens" in lit)
    if "tokens" in lit:
        _underline(axis, _ROOM["tokens"], 0.45, lit)
    _draw_box(axis, "connector", 0.82, {"connector": (_("connector"), INK)}, lit)
    _draw_tokens(axis, "handed on", told["handed on"], "connector" in lit)
    _draw_box(axis, "language model", 0.9, {"language model": (_("language\nmodel"), LANGUAGE_HUE)}, lit)
    _draw_words(axis)
    return describe(
        figure,
        _(
            "A vision-language model: a picture ({picture}) goes into the image encoder, a CNN or a ViT, which gives "
            "tokens ({tokens}). The connector hands them on ({handed}) to the language model, which reads them with "
            "the question and gives the answer. Lit: {lit}.",
            picture=told["picture"],
            tokens=told["tokens"],
            handed=told["handed on"],
            lit=", ".join(_(name) for name in VLM_PARTS if name in lit),
        ),
    )


def _check(kind: str, names: Collection[str], known: Collection[str]) -> None:
    if isinstance(names, str) or not set(names) <= set(known):
        unknown = [names] if isinstance(names, str) else sorted(set(names) - set(known))
        raise ValueError(
            f"the map has no {kind} {', '.join(map(repr, unknown))}; expected a list of {', '.join(known)}."
        )


def _draw_picture(axis: Axes, shape: str) -> None:
    place = _ROOM["picture"]
    axis.add_patch(Rectangle((place - 0.5, _MIDDLE - _HALF), 1, 2 * _HALF, facecolor="#F2F2F2", edgecolor=INK))
    for column, row, hue in [(0, 1, CNN_HUE), (2, 0, VIT_HUE), (1, 2, LANGUAGE_HUE)]:
        left, bottom = place - 0.44 + 0.31 * column, _MIDDLE - 0.46 + 0.32 * row
        axis.add_patch(Rectangle((left, bottom), 0.24, 0.26, facecolor=hue))
    _label(axis, place, _("picture"), shape)
    _arrow(axis, (place + 0.54, _MIDDLE), (_ROOM["encoder"] - 0.93, _MIDDLE))


def _draw_box(
    axis: Axes, stop: str, half: float, parts: Mapping[str, tuple[str, str]], lit: Collection[str], title: str = ""
) -> None:
    """A box that one part fills, or two share; parts: name of the part -> (its words, its hue)."""
    place, tall = _ROOM[stop], 2 * _HALF / len(parts)
    for index, (part, (words, hue)) in enumerate(parts.items()):
        bottom = _MIDDLE + _HALF - (index + 1) * tall
        on = part in lit
        axis.add_patch(
            FancyBboxPatch(
                (place - half, bottom + 0.04),
                2 * half,
                tall - 0.08,
                boxstyle="round,pad=0.03",
                facecolor=hue if on else PAPER,
                edgecolor=hue if on else MUTED,
                linewidth=1.5 if on else 1,
            )
        )
        name = axis.text(place, bottom + tall / 2, words, ha="center", va="center", fontsize=11, color=MUTED)
        if on:
            name.set(color=PAPER, weight="bold")
    if title:
        axis.text(place, _MIDDLE + _HALF + 0.12, title, ha="center", va="bottom", fontsize=11)
    if set(parts) & set(lit):
        _underline(axis, place, half, lit)


def _draw_tokens(axis: Axes, name: str, shape: str, on: bool) -> None:
    """A few tall cells: tokens side by side."""
    place = _ROOM[name]
    for index in range(_SHOWN):
        left = place - 0.42 + 0.17 * index
        axis.add_patch(
            Rectangle((left, _MIDDLE - 0.35), 0.11, 0.7, facecolor=INK if on else PAPER, edgecolor=INK if on else MUTED)
        )
    _label(axis, place, _("tokens"), shape)
    before, after = {"tokens": (3.46, 5.42), "handed on": (7.18, 8.99)}[name]
    _arrow(axis, (before, _MIDDLE), (place - 0.5, _MIDDLE))
    _arrow(axis, (place + 0.5, _MIDDLE), (after, _MIDDLE))


def _draw_words(axis: Axes) -> None:
    place = _ROOM["language model"]
    word: dict[str, Any] = {"fontsize": 11, "color": LANGUAGE_HUE, "weight": "bold"}
    axis.text(place, 2.62, _("question"), ha="center", va="center", **word)
    _arrow(axis, (place, 2.45), (place, _MIDDLE + _HALF + 0.03))
    _arrow(axis, (place + 0.96, _MIDDLE), (_ANSWER, _MIDDLE))
    axis.text(
        _ANSWER - 0.37,
        _MIDDLE + 0.14,
        _("answer"),
        ha="center",
        va="bottom",
        fontsize=11,
        color=LANGUAGE_HUE,
        weight="bold",
    )


def _label(axis: Axes, place: float, name: str, shape: str) -> None:
    axis.text(place, _MIDDLE + _HALF + 0.12, name, ha="center", va="bottom", fontsize=11)
    axis.text(place, _MIDDLE - _HALF - 0.1, shape, ha="center", va="top", fontsize=10.5, color=INK)


def _underline(axis: Axes, place: float, half: float, lit: Collection[str]) -> None:
    """Tell what is lit without its colour, where something is not."""
    if set(lit) == set(VLM_PARTS):
        return
    axis.plot([place - half, place + half], [0.38, 0.38], color=INK, linewidth=3, solid_capstyle="butt")
    axis.text(place, 0.26, _("this lesson"), ha="center", va="top", fontsize=10, color=INK)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=10, color=INK, linewidth=1.2))
