"""One step of a convolution in two dimensions: a window in every channel, the kernel over it, and the one number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.boxes import cell_box, draw_frame
from vlmteach.views.numbers import short, show_numbers
from vlmteach.views.rounding import ROUNDING
from vlmteach.views.style import CNN_HUE, INK, describe, new_figure


def draw_convolution_step(
    picture: np.ndarray,
    kernel: np.ndarray,
    bias: float,
    output: np.ndarray,
    place: tuple[int, int],
    channels: Sequence[str],
) -> Figure:
    """One number of an output channel (h, w) and the products it is the sum of, for stride 1 and no padding.

    picture: (C, H, W). kernel: (C, k, k). place: (row, column) of the number. channels: the names of the C channels.
    Raises ValueError when the number is not the sum of the products and the bias.
    """
    count, tall, wide = kernel.shape
    (row, column), number = place, float(output[place])
    window = picture[:, row : row + tall, column : column + wide]
    sums = (window * kernel).sum(axis=(1, 2))
    if not np.isclose(sums.sum() + bias, number, atol=ROUNDING):
        raise ValueError(
            f"the output in row {row}, column {column} is {short(number)}; "
            f"the products and the bias sum to {short(float(sums.sum() + bias))}."
        )
    figure, axes = new_figure(2, count + 1, height=5.4, height_ratios=[picture.shape[1], tall])
    lines = []
    for index, name in enumerate(map(from_lesson, channels)):
        show_numbers(axes[0, index], picture[index])
        axes[0, index].set_title(name)
        draw_frame(axes[0, index], (row, column, row + tall, column + wide), CNN_HUE, 3, halo=6)
        show_numbers(axes[1, index], kernel[index])
        axes[1, index].set_title(_("kernel, {channel}", channel=name))
        pairs = zip(window[index].ravel(), kernel[index].ravel(), strict=True)
        products = " + ".join(f"{_factor(pixel)}·{_factor(weight)}" for pixel, weight in pairs)
        lines.append(f"{name}: {products} = {short(float(sums[index]))}")
    terms = " + ".join(map(_factor, [*sums, bias]))
    lines.append(_("{terms} (bias) = {number}", terms=terms, number=short(number)))
    show_numbers(axes[0, -1], output)
    axes[0, -1].set_title(_("output channel"))
    draw_frame(axes[0, -1], cell_box(place), INK, 3, halo=6)
    axes[1, -1].set_axis_off()
    figure.supxlabel("\n".join(lines), fontsize=11)
    return describe(
        figure,
        _(
            "The number in row {row}, column {column} of the output. {lines}.",
            row=row,
            column=column,
            lines="; ".join(lines),
        ),
    )


def _factor(value: float) -> str:
    """A negative number in brackets, as one writes it after a sign."""
    number = short(float(value))
    return f"({number})" if number.startswith("-") else number
