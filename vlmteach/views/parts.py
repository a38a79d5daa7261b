"""Parts of pictures as an encoder tells them apart: three coordinates of each token as a colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.style import describe, new_figure, show_picture

OUTLIERS = 2  # per cent at either end that may be clipped, so that one odd token does not take all contrast


def draw_parts(pictures: Mapping[str, np.ndarray], encoders: Sequence[tuple[str, str, np.ndarray]]) -> Figure:
    """Pictures (H, W, 3) side by side; below, for each encoder, their tokens in colours that they share.

    encoders: (name, hue, coordinates (pictures, rows, columns, 3)). Each coordinate of an encoder becomes the share of
    red, green or blue: alike in colour means alike in these three numbers, in one picture or between pictures.
    """
    figure, axes = new_figure(1 + len(encoders), len(pictures), height=1.75 * (1 + len(encoders)), squeeze=False)
    for axis, (name, picture) in zip(axes[0], pictures.items(), strict=True):
        show_picture(axis, picture)
        axis.set_title(from_lesson(name), fontsize=11)
    words = []
    for row, (name, hue, coordinates) in zip(axes[1:], encoders, strict=True):
        colours = _colours(coordinates)
        for axis, one in zip(row, colours, strict=True):
            axis.imshow(one, interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(from_lesson(name), color=hue, fontsize=11)
        words.append(f"{from_lesson(name)}: {_in_words(coordinates)}")
    return describe(
        figure,
        _(
            "{pictures}, and for each encoder their tokens coloured by three coordinates. How far neighbours differ, "
            "of how far any two tokens do, both squared: {encoders}.",
            pictures=", ".join(map(from_lesson, pictures)),
            encoders="; ".join(words),
        ),
    )


def _colours(coordinates: np.ndarray) -> np.ndarray:
    low, high = np.percentile(coordinates, [OUTLIERS, 100 - OUTLIERS], axis=(0, 1, 2))
    return np.clip((coordinates - low) / np.where(high > low, high - low, 1), 0, 1)


def _in_words(coordinates: np.ndarray) -> str:
    """How smooth the colours are: neighbours' mean squared difference over twice the variance, 1 for no pattern."""
    down, across = np.diff(coordinates, axis=1), np.diff(coordinates, axis=2)
    between = np.concatenate([np.square(down).ravel(), np.square(across).ravel()]).mean()
    return f"{between / (2 * coordinates.var(axis=(0, 1, 2)).mean()):.0%}"
