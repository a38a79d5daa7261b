"""Figures of the cliff: what is asked, where an encoder's field ends, and how long it takes to learn to look far.

Offsets are counted in cells from the marker to the square, down and right. Arrays over offsets are (15, 15), indexed
[dy + 7, dx + 7], with NaN in the middle. A field is a box (top, left, bottom, right) in pixels, counted from the top
left corner of the marker's cell, or None for an encoder that sees the whole picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from vlmteach.language import N_, _, from_lesson
from vlmteach.views.boxes import Box, clip_box, draw_frame
from vlmteach.views.style import CNN_HUE, HEAT, INK, MUTED, PAPER, describe, new_figure, show_picture

_DASHES = ("-", "--", "-.", ":")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


class OffsetMap(NamedTuple):
    """One encoder's accuracy over the offset: title, accuracy (15, 15), exact field or None."""

    title: str
    accuracy: NDArray[np.float64]
    field: Box | None


class BoardMap(NamedTuple):
    """One encoder's accuracy by the square's cell, for one place of the marker, (row, column).

    accuracy: (rows, columns), NaN where nothing was tested. seen: (rows, columns), what can come to the marker's token.
    """

    title: str
    marker: tuple[int, int]
    accuracy: NDArray[np.float64]
    seen: NDArray[np.bool_]


class DistanceCurve(NamedTuple):
    """One encoder's numbers at distance 1 … 7: title, hue of its family, values (seeds, 7), NaN where there is none."""

    title: str
    hue: str
    values: NDArray[np.float64]


def draw_task(
    pictures: NDArray[np.float64],
    markers: NDArray[np.int64],
    squares: NDArray[np.int64],
    answers: Sequence[str],
    cell: int,
    field: Box | None = None,
    *,
    marker_looks: str | None = None,
) -> Figure:
    """What is asked: pictures (n, H, W, 3) in [0, 1], the (row, column) of marker and square (n, 2), and the answers.

    cell: pixels along a cell's side. field: what the marker's token sees is framed in each picture. marker_looks: in
    words; a white cross without them.
    """
    rows, columns = np.shape(pictures)[1:3]
    marker_named = from_lesson(marker_looks) if marker_looks else _("white cross")
    figure, axes = new_figure(1, len(pictures), height=9 / len(pictures) * rows / columns + 0.5, squeeze=False)
    told = []
    for axis, picture, marker, square, answer in zip(axes[0], pictures, markers, squares, answers, strict=True):
        down, right = (square - marker).tolist()
        show_picture(axis, picture, _("answer: {answer}", answer=from_lesson(answer)))
        axis.set_xlabel(_steps(down, right))
        told.append(
            _(
                "the square that is asked for is {answer} and stands {steps} from the {marker}",
                answer=from_lesson(answer),
                steps=_steps(down, right),
                marker=marker_named,
            )
        )
        if field is not None:
            top, left, bottom, right = np.array(field) + cell * np.tile(marker, 2)
            draw_frame(axis, clip_box((top, left, bottom, right), *picture.shape[:2]), PAPER, 2, style="--")
    text = _("{count} pictures with one question each: {told}.", count=len(pictures), told="; ".join(told))
    if field is not None:
        text += _(" A frame shows what the token at the marker can see.")
    return describe(figure, text)


def draw_offset_accuracy(maps: Sequence[OffsetMap], chance: float, cell: int) -> Figure:
    """Accuracy over the offset for one to four encoders, with each one's exact receptive field drawn in."""
    figure, axes = new_figure(1, len(maps), height=min(5.4, 9.6 / len(maps) ** 0.85 + 0.4), squeeze=False)
    told = []
    for axis, one in zip(axes[0], maps, strict=True):
        image = _draw_offsets(axis, one, chance, cell)
        told.append(_tell_offsets(one, cell))
    axes[0, 0].set_ylabel(_("cells down to the square"))
    bar = figure.colorbar(image, ax=list(axes[0]), location="bottom", aspect=40, shrink=0.6)
    bar.set_label(_("accuracy (chance {chance:.2f})", chance=chance))
    return describe(figure, _("Accuracy over the offset from the marker to the square. {told}", told=" ".join(told)))


def draw_board_accuracy(maps: Sequence[BoardMap], chance: float) -> Figure:
    """Accuracy by the cell in which the square stands, for a marker that stays, with a line around what it can see."""
    figure, axes = new_figure(1, len(maps), height=min(5.0, 9.6 / len(maps) ** 0.85 + 0.6), squeeze=False)
    told = []
    for axis, one in zip(axes[0], maps, strict=True):
        image = axis.imshow(one.accuracy, cmap=HEAT, vmin=chance, vmax=1)
        axis.plot(one.marker[1], one.marker[0], marker="P", color=INK, markersize=8)
        for colour, width in ((INK, 4.5), (PAPER, 2.0)):  # white on black: seen on dark and on bright cells
            lines: dict[str, Any] = {"colors": colour, "linewidths": width, "capstyle": "projecting", "clip_on": False}
            axis.add_collection(LineCollection(_outline(one.seen), **lines))
        axis.set_title(re.sub("(, |、)", _on_a_new_line, from_lesson(one.title)), fontsize=12)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
        told.append(_tell_board(one))
    bar = figure.colorbar(image, ax=list(axes[0]), location="bottom", aspect=40, shrink=0.6)
    bar.set_label(_("accuracy (chance {chance:.2f})", chance=chance))
    return describe(
        figure, _("Accuracy by the cell of the square, for one place of the marker. {told}", told=" ".join(told))
    )


def draw_distance_accuracy(curves: Sequence[DistanceCurve], chance: float, *, along: str | None = None) -> Figure:
    """Accuracy against distance, one curve for each encoder: the mean over the seeds, and a bar from worst to best.

    along: what is counted, in words; cells from the marker to the square without them.
    """
    figure, axis = new_figure(height=4.6)
    _draw_curves(axis, curves)
    if along:
        axis.set_xlabel(from_lesson(along))
    axis.axhline(chance, color=MUTED, linestyle=":", linewidth=1.5)
    axis.annotate(_("chance"), (0.65, chance), xytext=(0, -14), textcoords="offset points", color=MUTED)
    axis.set_ylim(0, 1.05)
    axis.set_ylabel(_("accuracy"))
    figure.legend(loc="outside right center")
    told = []
    for curve in curves:
        there = np.isfinite(curve.values).any(axis=0)
        means = ", ".join(f"{value:.2f}" for value in np.nanmean(curve.values[:, there], axis=0))
        title = from_lesson(curve.title)
        told.append(
            _("{title}: {means}", title=title, means=means)
            if there.all()
            else _("{title}, from {first} on: {means}", title=title, first=1 + there.argmax(), means=means)
        )
    return describe(
        figure,
        _("Accuracy at distance 1 to 7, chance {chance:.2f}. {told}.", chance=chance, told="; ".join(told)),
    )


def draw_steps_to_level(curves: Sequence[DistanceCurve], level: float) -> Figure:
    """Steps until an encoder knew the colour at each distance; a cross at the top marks a distance never learned."""
    figure, axis = new_figure(height=4.6)
    _draw_curves(axis, curves)
    axis.set_ylim(bottom=0)
    learned, _names = axis.get_legend_handles_labels()
    figure.legend(handles=[*learned, *_mark_never(axis, curves)], loc="outside right center")
    axis.set_ylabel(_("steps to {level:.0%}", level=level))
    return describe(figure, " ".join(_tell_steps(curve, level) for curve in curves))


def draw_training(
    title: str,
    steps: NDArray[np.int64],
    accuracy: NDArray[np.float64],
    total: int,
    reach: int,
    chance: float,
    hue: str = CNN_HUE,
) -> Figure:
    """A run in progress: the newest accuracy at each distance, and all of them over the steps.

    steps: (windows,), total: of the whole run. accuracy: (windows, 7) on new pictures. reach: the distance up to which
    the encoder can see in every direction; farther away it cannot, and is drawn in grey.
    """
    figure, (now, course) = new_figure(1, 2, height=3.8, width_ratios=(1, 1.5), sharey=True)
    distances = np.arange(1, 8)
    newest = accuracy[-1] if len(accuracy) else np.full(7, np.nan)
    inside = distances <= reach
    now.bar(distances[inside], newest[inside], color=hue)
    now.bar(distances[~inside], newest[~inside], color=MUTED, hatch="//", edgecolor=PAPER)
    now.set_xticks(distances)
    now.set_xlabel(_("cells away"))
    now.set_ylabel(_("accuracy on new pictures"))
    now.set_title(_("now"))
    for distance, values in zip(distances, accuracy.T, strict=True):
        colour, dashes = (hue, "-") if distance <= reach else (MUTED, "--")
        course.plot(steps, values, color=colour, linestyle=dashes, linewidth=1.5)
        if distance <= reach < 7 and (values >= 0.6).any():  # its number, where it climbs: later all curves meet
            at = int((values >= 0.6).argmax())
            course.annotate(
                str(distance), (steps[at], values[at]), ha="center", va="center", fontsize=11, backgroundcolor=PAPER
            )
    course.set_xlim(0, total)
    course.set_xlabel(_("steps"))
    course.set_title(_("so far: solid inside the field, dashed beyond") if reach < 7 else _("so far: all distances"))
    for axis in (now, course):
        axis.set_ylim(0, 1.05)
        axis.axhline(chance, color=INK, linestyle=":", linewidth=1.5)
    taken = int(steps[-1]) if len(steps) else 0
    title = from_lesson(title)
    figure.suptitle(_("{title}: step {taken} of {total}", title=title, taken=taken, total=total), fontsize=13)
    numbers = ", ".join(_("none yet") if np.isnan(value) else f"{value:.2f}" for value in newest)
    return describe(
        figure,
        _(
            "{title} after {taken} of {total} steps. Accuracy at distance 1 to 7: {numbers}; chance is {chance:.2f}. "
            "It can see {reach} cells away.",
            title=title,
            taken=taken,
            total=total,
            numbers=numbers,
            chance=chance,
            reach=reach,
        ),
    )


def _draw_offsets(axis: Axes, one: OffsetMap, chance: float, cell: int) -> AxesImage:
    longest = one.accuracy.shape[0] // 2
    edge = longest + 0.5
    image = axis.imshow(one.accuracy, cmap=HEAT, vmin=chance, vmax=1, extent=(-edge, edge, edge, -edge))
    axis.plot(0, 0, marker="P", color=INK, markersize=8)
    if one.field is not None:
        # pixels from the corner of the marker's cell -> cells from its middle
        top, left, bottom, right = (side / cell - 0.5 for side in one.field)
        for colour, width in ((INK, 4.5), (PAPER, 2.0)):  # white on black: seen on dark and on bright cells
            axis.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=width)
            )
    axis.set_xticks(range(-longest, longest + 1, longest))
    axis.set_yticks(range(-longest, longest + 1, longest))
    axis.set_xlabel(_("cells right"))
    axis.set_title(from_lesson(one.title), fontsize=12)
    axis.spines[:].set_visible(False)
    return image


def _on_a_new_line(comma: re.Match[str]) -> str:
    return f"{comma[0].rstrip()}\n"


def _outline(seen: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The sides between cells that are seen and such that are not, as segments ((x, y), (x, y)) in cells."""
    padded = np.pad(seen, 1)
    sides = []
    for row, column in np.argwhere(padded[1:] != padded[:-1]):  # under a row: from its left to its right end
        sides.append(np.array([(column - 1.5, row - 0.5), (column - 0.5, row - 0.5)]))
    for row, column in np.argwhere(padded[:, 1:] != padded[:, :-1]):
        sides.append(np.array([(column - 0.5, row - 1.5), (column - 0.5, row - 0.5)]))
    return sides


def _tell_board(one: BoardMap) -> str:
    inside, beyond = (one.accuracy[part & np.isfinite(one.accuracy)] for part in (one.seen, ~one.seen))
    told: dict[str, Any] = {
        "title": from_lesson(one.title),
        "seen": int(one.seen.sum()),
        "count": one.seen.size,
        "inside": inside.mean(),
    }
    if not beyond.size:
        return _("{title} sees {seen} of {count} cells: {inside:.2f} on average there.", **told)
    return _(
        "{title} sees {seen} of {count} cells: {inside:.2f} on average there, {beyond:.2f} elsewhere.",
        beyond=beyond.mean(),
        **told,
    )


def _draw_curves(axis: Axes, curves: Sequence[DistanceCurve]) -> None:
    """Means over the seeds with a bar from the lowest to the highest; neighbours are moved apart to stay visible."""
    for index, curve in enumerate(curves):
        count = np.isfinite(curve.values).sum(axis=0)
        there = count > 0
        values = curve.values[:, there]
        mean = np.nanmean(values, axis=0)
        spread = np.abs(np.stack([np.nanmin(values, axis=0), np.nanmax(values, axis=0)]) - mean)
        shift = 0.06 * (index - (len(curves) - 1) / 2)
        axis.errorbar(
            np.arange(1, 8)[there] + shift,
            mean,
            yerr=spread,
            label=from_lesson(curve.title),
            color=curve.hue,
            marker=_MARKS[index % len(_MARKS)],
            linestyle=_DASHES[index % len(_DASHES)],
            markersize=7,
            capsize=3,
            elinewidth=1,
        )
    axis.set_xticks(range(1, 8))
    axis.set_xlim(0.6, 7.4)
    axis.set_xlabel(_("cells from the marker to the square"))


def _mark_never(axis: Axes, curves: Sequence[DistanceCurve]) -> list[Line2D]:
    """Crosses along the top, a line of them for each curve, where no seed has a value; the legend's entry, if any."""
    found = [(curve.hue, np.flatnonzero(np.isnan(curve.values).all(axis=0)) + 1) for curve in curves]
    missing = [(hue, distances) for hue, distances in found if len(distances)]
    if not missing:
        return []
    bottom, top = axis.get_ylim()
    axis.set_ylim(bottom, bottom + (top - bottom) * (1 + 0.06 * len(missing)))  # room above the curves
    style: dict[str, Any] = {"marker": "x", "linestyle": "", "markersize": 8, "markeredgewidth": 2}
    for index, (hue, distances) in enumerate(missing):
        heights = np.full(len(distances), 0.97 - 0.06 * index)
        axis.plot(distances, heights, color=hue, transform=axis.get_xaxis_transform(), **style)
    return [Line2D([], [], color=INK, label=_("never, in as many\nsteps as there were"), **style)]


def _steps(down: int, right: int) -> str:
    ways = (
        (down, N_("{count} down"), N_("{count} up")),
        (right, N_("{count} right"), N_("{count} left")),
    )
    told = [_(one if count > 0 else other, count=abs(count)) for count, one, other in ways if count]
    return ", ".join(told)


def _tell_offsets(one: OffsetMap, cell: int) -> str:
    known = np.isfinite(one.accuracy)
    if one.field is None:
        least = np.floor(100 * np.nanmin(one.accuracy)) / 100  # rounded up it would not be the least
        return _(
            "{title} sees the whole picture: at least {least:.2f} everywhere.",
            title=from_lesson(one.title),
            least=least,
        )
    longest = one.accuracy.shape[0] // 2
    middle = cell * np.arange(-longest, longest + 1) + cell / 2
    top, left, bottom, right = one.field
    rows, columns = (middle > top) & (middle < bottom), (middle > left) & (middle < right)
    inside = known & rows[:, None] & columns[None, :]
    beyond = one.accuracy[known & ~inside]
    told: dict[str, Any] = {
        "title": from_lesson(one.title),
        "above": -top,
        "below": bottom - cell,
        "inside": one.accuracy[inside].mean(),
    }
    if not beyond.size:
        return _(
            "{title} sees from {above:.0f} pixels above to {below:.0f} below its cell: {inside:.2f} on average there.",
            **told,
        )
    return _(
        "{title} sees from {above:.0f} pixels above to {below:.0f} below its cell: {inside:.2f} on average there, "
        "{beyond:.2f} beyond.",
        beyond=beyond.mean(),
        **told,
    )


def _tell_steps(curve: DistanceCurve, level: float) -> str:
    counts = np.isfinite(curve.values).sum(axis=0)
    told = [
        f"{distance}: {np.nanmean(curve.values[:, distance - 1]):.0f}"
        if count
        else _("{distance}: never", distance=distance)
        for distance, count in enumerate(counts, start=1)
    ]
    return _(
        "{title}, mean steps to {level:.0%} at distance {told}.",
        title=from_lesson(curve.title),
        level=level,
        told=", ".join(told),
    )
