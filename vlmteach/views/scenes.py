"""Scenes with the questions asked about them, and the sentence shown where there is nothing to draw."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.style import INK, LANGUAGE_HUE, MUTED, describe, new_figure, show_picture

LINE = 0.27  # inches that a question takes
LONGEST = 400  # characters of a sentence that are shown


class Asked(NamedTuple):
    """One question to a scene and its answer. marked: whether it is pointed out."""

    question: str
    answer: str
    marked: bool = False


def draw_scenes_with_questions(
    pictures: Sequence[np.ndarray], asked: Sequence[Sequence[Asked]], titles: Sequence[str]
) -> Figure:
    """Pictures (H, W, 3) in [0, 1] side by side, each with its questions and answers below; best two at a time."""
    most = max(len(questions) for questions in asked)
    figure, axes = new_figure(
        2, len(pictures), height=2.6 + LINE * most, squeeze=False, height_ratios=(2.3, 0.2 + LINE * most)
    )
    told = []
    for above, below, picture, questions, title in zip(*axes, pictures, asked, map(from_lesson, titles), strict=True):
        show_picture(above, picture, title)
        below.set_axis_off()
        below.set_xlim(0, 1)
        below.set_ylim(most, 0)
        for place, one in enumerate(questions):
            weight = "bold" if one.marked else "normal"
            below.text(0.03, place + 0.5, one.question, va="center", fontsize=11, color=INK, weight=weight)
            below.text(0.84, place + 0.5, one.answer, va="center", fontsize=11, color=LANGUAGE_HUE, weight="bold")
            if one.marked:
                below.text(0.0, place + 0.5, "▸", va="center", ha="center", fontsize=11, color=INK)
        marked = {True: _(" (marked)"), False: ""}
        listed = ", ".join(f"{one.question} {one.answer}{marked[one.marked]}" for one in questions)
        told.append(f"{title}: {listed}")
    return describe(figure, _("Scenes of coloured shapes with questions and answers. {told}.", told="; ".join(told)))


def draw_sentence(sentence: str) -> Figure:
    """A sentence in place of a figure, for what was asked but cannot be shown. Very long ones are cut."""
    cut = sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]} …"
    lines = textwrap.wrap(cut, width=88, break_long_words=True)
    figure, axis = new_figure(height=0.5 + LINE * len(lines))
    axis.set_axis_off()
    # mathtext would read a student's dollar signs as formulas
    axis.text(0, 0.5, "\n".join(lines), va="center", color=MUTED, transform=axis.transAxes, parse_math=False)
    return describe(figure, cut)
