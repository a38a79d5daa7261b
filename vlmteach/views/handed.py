"""What each encoder gives to a language model: its tokens drawn where they lie, how many they are and how wide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.style import LUMINANCE, PAPER, describe, new_figure, show_picture

COLUMNS = 3
VEIL = 0.3  # the share of white laid over a picture


class Handed(NamedTuple):
    """The tokens of one encoder.

    name, hue: of the encoder. picture: (H, W, 3), as the encoder saw it. boxes: (N, 4), one a token, (top, left,
    bottom, right) in shares of the picture. num_prefix_tokens: how many tokens in front have no place. width: D.
    """

    name: str
    hue: str
    picture: np.ndarray
    boxes: np.ndarray
    num_prefix_tokens: int
    width: int


def draw_handed(encoders: Sequence[Handed]) -> Figure:
    """For each encoder what it saw, in pale grey under its tokens' boxes; below, how many tokens of which width."""
    rows = math.ceil(len(encoders) / COLUMNS)
    tall = max(one.picture.shape[0] / one.picture.shape[1] for one in encoders)
    figure, axes = new_figure(rows, COLUMNS, height=rows * (0.95 + min(1.75, 2.95 * tall)), squeeze=False)
    for axis in axes.ravel()[len(encoders) :]:
        axis.set_axis_off()
    words = []
    for axis, one in zip(axes.ravel(), encoders, strict=False):
        placed = one.boxes[one.num_prefix_tokens :]
        show_picture(axis, _faint(one.picture))
        name, count = from_lesson(one.name), len(placed)
        axis.set_title(name, color=one.hue, fontsize=12)
        _draw_boxes(axis, placed, one)
        tokens = f"{one.num_prefix_tokens} + {count}" if one.num_prefix_tokens else str(count)
        axis.set_xlabel(_("{tokens} tokens × {width}", tokens=tokens, width=one.width), fontsize=12)
        words.append(
            _(
                "{name}: {count} tokens with a place and {front} without, {width} numbers each",
                name=name,
                count=count,
                front=one.num_prefix_tokens,
                width=one.width,
            )
        )
    height, width = encoders[0].picture.shape[:2]
    return describe(
        figure,
        _(
            "Tokens for a picture of {height} by {width} pixels. {encoders}.",
            height=height,
            width=width,
            encoders="; ".join(words),
        ),
    )


def _faint(picture: np.ndarray) -> np.ndarray:
    grey = (picture @ np.array(LUMINANCE))[..., None].repeat(3, axis=-1)
    return np.asarray(VEIL + (1 - VEIL) * grey)


def _draw_boxes(axis: Axes, boxes: np.ndarray, one: Handed) -> None:
    height, width = one.picture.shape[:2]
    top, left, bottom, right = (boxes * [height, width, height, width]).T
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=-1).reshape(-1, 4, 2)
    fine = min(
        1.0, 16 / max(len(np.unique(top)), len(np.unique(left)))
    )  # many cells: thinner lines, or the picture is lost
    for colour, line in [(PAPER, 2.2 * fine), (one.hue, 0.9 * fine)]:  # a pale halo: visible on any picture
        axis.add_collection(PolyCollection(list(corners), facecolors="none", edgecolors=colour, linewidths=line))
