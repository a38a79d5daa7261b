"""Figures of a vision-language model: how it learns, what it answers, where it looked and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from vlmteach.language import _, from_lesson
from vlmteach.views.rounding import ROUNDING, peak
from vlmteach.views.style import (
    CNN_HUE,
    HEAT,
    INK,
    LANGUAGE_HUE,
    MARKS,
    MUTED,
    WIDTH,
    describe,
    new_figure,
    new_sheet,
    scale_ends,
)

SHOWN = 5  # words in a bar chart


class Recorded(NamedTuple):
    """A longer run to compare with: title, steps (windows,), accuracy (seeds, windows, families)."""

    title: str
    steps: NDArray[np.int64]
    accuracy: NDArray[np.float64]


class Report(NamedTuple):
    """One model's accuracy in each family of questions: title, hue of its kind, accuracy (families,)."""

    title: str
    hue: str
    accuracy: NDArray[np.float64]


def draw_next_words(texts: Mapping[str, Mapping[str, float]]) -> Figure:
    """What a language model expects to come next after each text: word -> probability, the first few words of each."""
    figure, axes = new_figure(1, len(texts), height=2.7, squeeze=False, sharex=True)
    told = []
    for axis, (text, probabilities) in zip(axes[0], texts.items(), strict=True):
        first = dict(list(probabilities.items())[:SHOWN])
        _draw_bars(axis, first, None)
        axis.set_title(f"{text} …", fontsize=11)
        listed = ", ".join(f"{word} {value:.2f}" for word, value in first.items())
        told.append(_("After “{text}”: {listed}", text=text, listed=listed))
    return describe(figure, _("Probabilities of the next word. {told}.", told="; ".join(told)))


def draw_learning_by_family(
    title: str,
    families: Sequence[str],
    guessing: NDArray[np.float64],
    steps: NDArray[np.int64],
    accuracy: NDArray[np.float64],
    total: int,
    recorded: Recorded | None = None,
) -> Figure:
    """A run in progress, one panel for each of six families of questions: accuracy on new pictures by step.

    guessing: (6,), possible without looking. steps: (windows,), accuracy: (windows, 6), total: of the whole
    run. recorded: a finished run of the same model, drawn behind it.
    """
    title = from_lesson(title)
    figure, axes = new_figure(2, 3, height=4.8, sharex=True, sharey=True)
    for place, axis in enumerate(axes.flat):
        if recorded is not None:
            for seed in recorded.accuracy:
                axis.plot(recorded.steps, seed[:, place], color=MUTED, linewidth=1.2, linestyle="--")
        axis.axhline(guessing[place], color=INK, linestyle=":", linewidth=1.5)
        axis.plot(steps, accuracy[:, place], color=CNN_HUE)
        axis.set_title(f"{families[place]}: {accuracy[-1, place]:.2f}" if len(steps) else families[place], fontsize=12)
        axis.set_ylim(0, 1.05)
        axis.set_xlim(0, total if recorded is None else max(total, int(recorded.steps[-1])))
    for axis in axes[-1]:
        axis.set_xlabel(_("steps"))
    for axis in axes[:, 0]:
        axis.set_ylabel(_("accuracy"))
    taken = int(steps[-1]) if len(steps) else 0
    if recorded is None:
        lines = _("dotted: guessing")
    else:
        lines = _("dotted: guessing; dashed: {title}", title=from_lesson(recorded.title))
    figure.suptitle(
        _("{title}: step {taken} of {total} ({lines})", title=title, taken=taken, total=total, lines=lines), fontsize=12
    )
    return describe(figure, _tell_learning(title, families, guessing, accuracy, (taken, total), recorded))


def _tell_learning(
    title: str,
    families: Sequence[str],
    guessing: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    progress: tuple[int, int],
    recorded: Recorded | None,
) -> str:
    newest = accuracy[-1] if len(accuracy) else [np.nan] * len(families)
    numbers = (
        _(
            "{family}: {accuracy}, guessing {rate:.2f}",
            family=family,
            accuracy=_("nothing yet") if np.isnan(value) else f"{value:.2f}",
            rate=rate,
        )
        for family, value, rate in zip(families, newest, guessing, strict=True)
    )
    text = _(
        "{title} after {taken} of {total} steps. Accuracy by family: {numbers}.",
        title=title,
        taken=progress[0],
        total=progress[1],
        numbers="; ".join(numbers),
    )
    if recorded is None:
        return text
    ends = ", ".join(f"{value:.2f}" for value in recorded.accuracy[:, -1].mean(axis=0))
    return _(
        "{text} Dashed, {title}: at its end, after {steps} steps, {ends}.",
        text=text,
        title=from_lesson(recorded.title),
        steps=recorded.steps[-1],
        ends=ends,
    )


def draw_report(families: Sequence[str], guessing: NDArray[np.float64], reports: Sequence[Report]) -> Figure:
    """Accuracy of one or several models in each family of questions, beside what guessing gives."""
    figure, axis = new_figure(height=1.5 + 0.5 * len(families))
    reports = [report._replace(title=from_lesson(report.title)) for report in reports]
    places = np.arange(len(families))[::-1]
    for place, rate in zip(places, guessing, strict=True):
        axis.plot([rate, rate], [place - 0.36, place + 0.36], color=INK, linestyle=":", linewidth=2)
    for index, report in enumerate(reports):
        shift = 0.2 * ((len(reports) - 1) / 2 - index)  # models of one family stand below each other, none is hidden
        mark = MARKS[index % len(MARKS)]
        axis.plot(
            report.accuracy, places + shift, mark, color=report.hue, markersize=9, label=report.title, clip_on=False
        )
    axis.plot([], [], color=INK, linestyle=":", linewidth=2, label=_("guessing"))
    axis.set_yticks(places, families)
    axis.set_xlim(0, 1)
    axis.set_xlabel(_("accuracy on new pictures"))
    axis.grid(axis="x", color="#DDDDDD", linewidth=0.8)
    figure.legend(loc="outside upper center", ncols=min(len(reports) + 1, 4))
    told = "; ".join(
        f"{report.title}: "
        + ", ".join(f"{family} {value:.2f}" for family, value in zip(families, report.accuracy, strict=True))
        for report in reports
    )
    rates = ", ".join(f"{family} {rate:.2f}" for family, rate in zip(families, guessing, strict=True))
    return describe(figure, _("Accuracy by family of questions. Guessing: {rates}. {told}.", rates=rates, told=told))


def draw_answer(
    picture: NDArray[np.floating],
    words: Sequence[str],
    probabilities: Mapping[str, float],
    drop: NDArray[np.floating],
    attention: NDArray[np.floating] | None = None,
    right: str | None = None,
    common_scale: bool = False,
) -> Figure:
    """A picture, a question and the likely answers; what hiding each cell costs; where each word looked.

    picture: (H, W, 3) in [0, 1]. words: of the question, T. probabilities: most likely first. drop: (h, w), by how
    much the first answer's probability falls when a cell is hidden. attention: (T, h, w), or None when no word looks
    at single cells. right: the right answer, marked where there is one. common_scale: one scale for the maps of all
    words, or for each its own, in the middle of which an even map lies.
    """
    figure, sheet = new_sheet(2.85 if attention is None else 3.25 + _room(len(words)) + 0.35)
    _put(sheet, picture, (0.1, 0.4, 2.1), _("the picture"))
    first = list(probabilities)[:SHOWN]
    shown = first if right is None or right in first else [*first[:-1], right]
    _put_bars(sheet, {word: probabilities.get(word, 0.0) for word in shown}, right)
    sheet.text(4.55, 0.3, " ".join(words), ha="center", fontsize=12)
    _put(sheet, drop.clip(min=0), (6.8, 0.4, 2.1), _("hidden: “{answer}” loses", answer=first[0]), drop.max(), 1.0)
    if attention is not None:
        side = _room(len(words))
        ends = scale_ends(list(attention), common_scale)
        for place, (word, weights, end) in enumerate(zip(words, attention, ends, strict=True)):
            left = 0.1 + place * (WIDTH - 0.1) / len(words)
            _put(sheet, weights, (left, 3.25, side), _("“{word}” looks", word=word), weights.max(), end)
    told = _tell_answer(words, probabilities, drop, attention, right)
    return describe(figure, told + _(" All maps share one scale.") if common_scale else told)


def _tell_answer(
    words: Sequence[str],
    probabilities: Mapping[str, float],
    drop: NDArray[np.floating],
    attention: NDArray[np.floating] | None,
    right: str | None,
) -> str:
    likely = list(probabilities.items())[:SHOWN]
    text = _(
        "“{question}” Answers: {answers}.",
        question=" ".join(words),
        answers=", ".join(f"{word} {value:.2f}" for word, value in likely),
    )
    text += "" if right is None else _(" Right is {right}.", right=right)
    if drop.max() < 0.005:
        text += _(" Hiding any one cell costs it nothing.")
    else:
        text += _(
            " Hiding {cell} costs “{answer}” most: {drop:.2f} of its probability.",
            cell=_cell(drop),
            answer=likely[0][0],
            drop=drop.max(),
        )
    if attention is None:
        return text
    looks = (f"“{word}” {_cell(map_)} ({map_.max():.2f})" for word, map_ in zip(words, attention, strict=True))
    return _(
        "{text} Each word looks most at: {looks}; an even share would be {even:.2f}.",
        text=text,
        looks=", ".join(looks),
        even=1 / drop.size,
    )


def _cell(values: NDArray[np.floating]) -> str:
    row, column = peak(values)
    return _("row {row}, column {column}", row=row + 1, column=column + 1)


def _room(maps: int) -> float:
    """How large so many maps beside each other can be, in inches."""
    return min(1.7, (WIDTH - 0.1) / maps - 0.1)


def _put(
    sheet: Axes,
    values: NDArray[np.floating],
    place: tuple[float, float, float],
    title: str,
    most: float | None = None,
    largest: float = 1.0,
) -> None:
    """A picture (H, W, 3), or cells (h, w) as heat from 0 to `largest`, on a sheet.

    place: left, top and side in inches. most: told below, where there is something to tell.
    """
    left, top, side = place
    middle = left + side / 2
    extent = (left, left + side, top + side, top)
    sheet.imshow(values, cmap=HEAT, vmin=0, vmax=max(float(largest), ROUNDING), extent=extent, aspect="auto")
    sheet.text(middle, top - 0.1, title, ha="center", fontsize=11)
    if most is not None:
        sheet.text(middle, top + side + 0.2, _("up to {most:.2f}", most=max(0.0, most)), ha="center", fontsize=11)


def _put_bars(sheet: Axes, probabilities: Mapping[str, float], right: str | None) -> None:
    """The likely answers as bars in the middle of a sheet."""
    left, width = 4.0, 1.9
    for place, (word, value) in enumerate(probabilities.items()):
        middle = 0.65 + 0.4 * place
        sheet.add_patch(Rectangle((left, middle - 0.14), width * value, 0.28, color=LANGUAGE_HUE))
        sheet.text(
            left - 0.1, middle, _("{word} (right)", word=word) if word == right else word, ha="right", va="center"
        )
        sheet.text(left + width * value + 0.06, middle, f"{value:.2f}", va="center", fontsize=11)
    sheet.plot([left, left], [0.45, 0.45 + 0.4 * SHOWN], color=INK, linewidth=1)


def _draw_bars(axis: Axes, probabilities: Mapping[str, float], right: str | None) -> None:
    places = np.arange(len(probabilities))[::-1]
    axis.barh(places, list(probabilities.values()), color=LANGUAGE_HUE, height=0.7)
    axis.set_yticks(places, [_("{word} (right)", word=word) if word == right else word for word in probabilities])
    axis.tick_params(axis="y", length=0)
    axis.set_xlim(0, 1.28)
    axis.set_xticks([0, 0.5, 1])
    for place, value in zip(places, probabilities.values(), strict=True):
        axis.text(value + 0.03, place, f"{value:.2f}", va="center", fontsize=11)
