"""Which places in a picture look alike to an encoder: the picture, faded where its tokens differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.boxes import cell_box, draw_frame
from vlmteach.views.rounding import ROUNDING, ranked
from vlmteach.views.style import INK, PAPER, describe, new_figure, show_picture

COLUMNS = 3


class Likeness(NamedTuple):
    """One encoder. similarity: (rows, columns, rows, columns), the cosine of each token with each other token."""

    name: str
    hue: str
    similarity: np.ndarray


def draw_similar(
    picture: np.ndarray, encoders: Sequence[Likeness], place: tuple[float, float], nearest: int = 5
) -> Figure:
    """One place of a picture (H, W, 3), and for each encoder where the tokens most like the one there lie.

    place: (row, column) in shares of the picture, in [0, 1). Each panel shows the picture clearly where tokens are most
    like the one at that place, and faded where they are least like it; the `nearest` most similar are framed.
    """
    rows = math.ceil((1 + len(encoders)) / COLUMNS)
    figure, axes = new_figure(rows, COLUMNS, height=2.75 * rows, squeeze=False)
    for axis in axes.ravel()[1 + len(encoders) :]:
        axis.set_axis_off()
    height, width = picture.shape[:2]
    first = axes[0, 0]
    show_picture(first, picture, _("the place asked about"))
    first.plot(place[1] * width, place[0] * height, "o", ms=13, mfc="none", mec=PAPER, mew=5)
    first.plot(place[1] * width, place[0] * height, "o", ms=13, mfc="none", mec=INK, mew=2.5)
    words = [_draw_one(axis, picture, one, place, nearest) for axis, one in zip(axes.flat[1:], encoders, strict=False)]
    return describe(
        figure,
        _(
            "The place {down:.0%} down and {across:.0%} across, and the tokens most like the one there (rows and "
            "columns counted from 0). {encoders}.",
            down=place[0],
            across=place[1],
            encoders="; ".join(words),
        ),
    )


def _draw_one(axis: Axes, picture: np.ndarray, one: Likeness, place: tuple[float, float], nearest: int) -> str:
    rows, columns = one.similarity.shape[:2]
    unit = (int(place[0] * rows), int(place[1] * columns))
    values = one.similarity[unit]
    order = [i for i in ranked(values).tolist() if divmod(i, columns) != unit]
    low, high = values.min(), values.ravel()[order[0]]
    clear = np.clip((values - low) / max(high - low, ROUNDING), 0, 1)
    height, width = picture.shape[:2]
    down, across = np.arange(height) * rows // height, np.arange(width) * columns // width
    veil = clear[down][:, across, None]
    show_picture(axis, picture * veil + (1 - veil))
    axis.set_title(from_lesson(one.name), color=one.hue, fontsize=12)
    cell = (height / rows, width / columns)
    for i in order[:nearest]:
        draw_frame(axis, cell_box(divmod(i, columns), *cell), one.hue, 2, halo=4)
    draw_frame(axis, cell_box(unit, *cell), INK, 2, halo=4)
    others = values.ravel()[order]
    most, mean = others[0], others.mean()
    axis.set_xlabel(_("most alike {most:z.2f}, mean {mean:z.2f}", most=most, mean=mean), fontsize=11)
    return _(
        "{name}: row {row}, column {column} of {rows} by {columns}, most like row {like_row}, column {like_column} "
        "(cosine {most:z.2f}; mean of all {mean:z.2f})",
        name=from_lesson(one.name),
        row=unit[0],
        column=unit[1],
        rows=rows,
        columns=columns,
        like_row=order[0] // columns,
        like_column=order[0] % columns,
        most=most,
        mean=mean,
    )
