"""Figures of the matrix: accuracy by encoder and connector, near beside far, and the players who cannot see or hear.

Accuracies come as arrays over the seeds, so that one seed is never shown as if it were three; an empty array is a cell
that was not measured.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from vlmteach.language import _, columns_of, from_lesson
from vlmteach.views.style import HEAT, INK, MUTED, PAPER, describe, ink_on, new_figure

Seeds = NDArray[np.float64]
SAYS_NOTHING = "#D9D9D9"  # the face of a cell that learned no attributes: no colour of the scale


class ControlCell(NamedTuple):
    """A cell outside the square: title, accuracy (seeds,), and what kind of cell it is, for instance "theorem"."""

    title: str
    accuracy: Seeds
    mark: str


def draw_matrix(
    family: str,
    rows: Sequence[str],
    columns: Sequence[str],
    accuracy: Sequence[Sequence[Seeds]],
    basics: Sequence[Sequence[Seeds]],
    controls: Sequence[ControlCell],
    guess: float,
    level: float,
) -> Figure:
    """Accuracy in one family of questions: encoders in rows, connectors in columns, controls at the side.

    basics: accuracy in attributes, laid out as `accuracy`. A cell whose mean there is below `level` is grey
    with a hatched foot: its training had not come far, so a guess there says little about encoder or connector.
    The scale starts at the guess rate. At least `level`: a tick. A dashed frame: the mark of a control.
    Raises ValueError when accuracy and basics differ in their cells or in the seeds of one.
    """
    family, *names = map(from_lesson, (family, *rows, *columns))
    rows, columns = names[: len(rows)], names[len(rows) :]
    controls = [ControlCell(from_lesson(title), accuracy, from_lesson(mark)) for title, accuracy, mark in controls]
    figure, (square, side) = new_figure(1, 2, height=5.6, width_ratios=(len(columns), 1.0))
    scale = ScalarMappable(Normalize(guess, 1, clip=True), colormaps[HEAT])
    of: dict[str, Any] = {"family": family, "guess": guess}
    told, unlearned = [], _without_basics(accuracy, basics, level)
    for row, (name, line) in enumerate(zip(rows, accuracy, strict=True)):
        texts = []
        for column, (way, seeds) in enumerate(zip(columns, line, strict=True)):
            notes = []
            if (row, column) in unlearned:
                _draw_cell(square, SAYS_NOTHING, row, column, seeds, level)
                _hatch_foot(square, row, column)
                notes = [_("attributes not learned")]
            else:
                _draw_cell(square, _shade(scale, seeds), row, column, seeds, level)
            texts.append(f"{way} {_tell_cell(seeds, *notes)}")
        told.append(f"{name}: {', '.join(texts)}")
    _name_axes(square, rows, columns)
    for row, control in enumerate(controls):
        face = _shade(scale, control.accuracy)
        _draw_cell(side, face, row, 0, control.accuracy, level)
        ink = ink_on(face)
        side.add_patch(
            Rectangle((-0.46, row - 0.46), 0.92, 0.92, fill=False, edgecolor=ink, linewidth=2.5, linestyle="--")
        )
        side.text(0, row + 0.36, control.mark, ha="center", va="center", fontsize=11, color=ink)
        told.append(f"{control.mark}, {control.title}: {_tell_cell(control.accuracy)}")
    _name_axes(side, [control.title for control in controls], [_("no positions")])
    side.yaxis.tick_right()
    legend = [_("accuracy in {family}; dark is guessing, {guess:.2f}, and bright is always right", **of)]
    legend += [_("grey and hatched: not even attributes were learned")] if unlearned else []
    figure.supxlabel("\n".join(legend), fontsize=13)
    return describe(figure, _("Accuracy in {family}, guessing {guess:.2f}. {told}.", **of, told=". ".join(told)))


def _without_basics(
    accuracy: Sequence[Sequence[Seeds]], basics: Sequence[Sequence[Seeds]], level: float
) -> set[tuple[int, int]]:
    """The cells (row, column) that were measured and whose mean accuracy in attributes is below the level."""
    found = set()
    for row, lines in enumerate(zip(accuracy, basics, strict=True)):
        for column, (seeds, attributes) in enumerate(zip(*lines, strict=True)):
            if len(seeds) != len(attributes):
                raise ValueError(
                    f"row {row}, column {column} has {len(seeds)} seeds in accuracy and {len(attributes)} in basics; "
                    "expected the same runs in both."
                )
            if len(attributes) and attributes.mean() < level:
                found.add((row, column))
    return found


def _hatch_foot(axis: Axes, row: int, column: int) -> None:
    """A hatched strip along a cell's lower edge: the numbers above it stay readable."""
    axis.add_patch(
        Rectangle((column - 0.47, row + 0.31), 0.94, 0.16, fill=False, edgecolor=INK, linewidth=0, hatch="////")
    )


def _tell_cell(seeds: Seeds, *notes: str) -> str:
    """What a cell says, in words: mean, how many seeds, and what else there is to know of it."""
    if not len(seeds):
        return _("not measured")
    count = _("{count} seeds", count=len(seeds)) if len(seeds) > 1 else _("one seed")
    return f"{seeds.mean():.2f} ({'; '.join((count, *notes))})"


def _draw_cell(axis: Axes, face: str, row: int, column: int, seeds: Seeds, level: float) -> None:
    if not len(seeds):
        axis.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=PAPER, edgecolor=MUTED))
        axis.text(column, row, _("not\nmeasured"), ha="center", va="center", color=MUTED, fontsize=11)
        return
    mean = float(seeds.mean())
    axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=PAPER, linewidth=2))
    tick = " ✓" if mean >= level else ""
    spread = f"± {seeds.std(ddof=1):.2f}" if len(seeds) > 1 else _("one seed")
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": ink_on(face)}
    axis.text(column, row - 0.1, f"{mean:.2f}{tick}", fontsize=14, weight="bold", **style)
    axis.text(column, row + 0.17, spread, fontsize=11, **style)


def _shade(scale: ScalarMappable, seeds: Seeds) -> str:
    """The colour of a cell's mean; paper where it was not measured."""
    return to_hex(scale.to_rgba(np.array([seeds.mean()]))[0]) if len(seeds) else PAPER


def _name_axes(axis: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axis.set_xlim(-0.5, len(columns) - 0.5)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks(range(len(rows)), [_folded(name) for name in rows])
    axis.set_xticks(range(len(columns)), [_folded(name, 10) for name in columns])
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


_WIDE = re.compile(r"(?<=[\u3000-\u9fff])(?=[\u3000-\u9fff])(?![ぁぃぅぇぉっゃゅょァィゥェォッャュョー、。）])")


def _folded(name: str, width: int = 16) -> str:
    """A name in lines of at most about `width` letters, wide ones counted twice.

    It is cut at spaces, behind hyphens, before a wide bracket, and where a zero-width space says that it may be; a word
    of wide letters that is longer than a line, between any two of them but for those that begin no line.
    """
    lines = [""]
    words = re.split(r"(?<=[- \u200b])|(?=（)", name)
    parts = itertools.chain.from_iterable(_WIDE.split(word) if columns_of(word) > width else [word] for word in words)
    for word in parts:
        if lines[-1] and columns_of(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.replace("\u200b", "").rstrip() for line in lines)


def draw_near_far(
    names: Sequence[str], near: Sequence[Seeds], far: Sequence[Seeds], guess: float, level: float
) -> Figure:
    """Accuracy in relations of near and of far things, one line for each cell; guess: the same for both."""
    figure, axis = new_figure(height=1.3 + 0.55 * len(names))
    names, places = [from_lesson(name) for name in names], np.arange(len(names))[::-1]
    told = []
    for place, name, *pair in zip(places, names, near, far, strict=True):
        middles = [float(seeds.mean()) for seeds in pair]
        axis.plot(middles, [place, place], color=MUTED, linewidth=2)
        for seeds, marker, fill in zip(pair, ("o", "s"), (INK, PAPER), strict=True):
            axis.plot(seeds, np.full(len(seeds), place), marker, color=INK, markerfacecolor=fill, markersize=9)
        told.append(_("{name}: near {near:.2f}, far {far:.2f}", name=name, near=middles[0], far=middles[1]))
    axis.plot([], [], "o", color=INK, label=_("near things"))
    axis.plot([], [], "s", color=INK, markerfacecolor=PAPER, label=_("far things"))
    axis.plot([], [], color=MUTED, linewidth=2, label=_("from mean to mean"))
    axis.axvline(guess, color=MUTED, linestyle=":")
    axis.text(guess, len(names) - 0.45, _(" guessing, {guess:.2f}", guess=guess), va="bottom", color=MUTED)
    axis.axvline(level, color=MUTED, linestyle="--")
    axis.text(level, len(names) - 0.45, f"{level:.0%} ", ha="right", va="bottom", color=MUTED)
    axis.set_yticks(places, names)
    axis.set_ylim(-0.6, len(names) + 0.1)
    axis.set_xlim(min(0.4, *(seeds.min() for seeds in (*near, *far))) - 0.02, 1.02)
    axis.set_xlabel(_("accuracy in relations, one mark for each seed"))
    figure.legend(loc="outside upper right", ncols=3)
    return describe(
        figure, _("Accuracy in relations, guessing {guess:.2f}. {told}.", guess=guess, told="; ".join(told))
    )


def draw_blind(
    families: Sequence[str], guess: Seeds, picture: NDArray[np.float64], question: NDArray[np.float64]
) -> Figure:
    """Two controls of every run beside the guess rate.

    guess: (F,). picture, question: (runs, F), accuracy when another picture was shown, or another question asked.
    """
    figure, axis = new_figure(height=4.2)
    families, places = [from_lesson(family) for family in families], np.arange(len(families))
    spots = (np.arange(len(picture)) / max(1, len(picture) - 1) - 0.5) * 0.24  # side by side, to be counted
    for values, shift, marker, fill, label in (
        (picture, -0.2, "o", INK, _("another picture")),
        (question, 0.2, "^", PAPER, _("another question")),
    ):
        where = (places + shift)[None, :] + spots[:, None]
        axis.plot(where.ravel(), values.ravel(), marker, color=INK, markerfacecolor=fill, markersize=5, label=label)
    for place, rate in zip(places, guess, strict=True):
        axis.plot([place - 0.42, place + 0.42], [rate, rate], color=MUTED, linewidth=3, zorder=0)
    axis.plot([], [], color=MUTED, linewidth=3, label=_("guessing by the question alone"))
    axis.set_xticks(places, [_folded(name, 10) for name in families])
    axis.set_ylim(0, 1)
    axis.set_ylabel(_("accuracy, one mark for each run"))
    figure.legend(loc="outside upper center", ncols=3)
    told = "; ".join(
        _(
            "{name}: guessing {rate:.2f}, another picture up to {picture:.2f}, another question up to {question:.2f}",
            name=name,
            rate=rate,
            picture=picture[:, number].max(),
            question=question[:, number].max(),
        )
        for number, (name, rate) in enumerate(zip(families, guess, strict=True))
    )
    return describe(figure, _("Two blind controls of {count} runs. {told}.", count=len(picture), told=told))
