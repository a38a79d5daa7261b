"""One token on its way into attention: three matrices make its query, its key and its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from vlmteach.language import _, from_lesson
from vlmteach.views.boxes import draw_frame
from vlmteach.views.numbers import show_numbers, tell_row
from vlmteach.views.rounding import ROUNDING
from vlmteach.views.style import INK, VIT_HUE, describe, new_figure


def draw_roles(
    name: str,
    token: np.ndarray,
    matrices: Mapping[str, np.ndarray],
    results: Mapping[str, np.ndarray],
    features: Sequence[str],
) -> Figure:
    """A token (D,) above the matrices that it is multiplied with, and below each matrix what comes out.

    matrices: name -> (D, D). results: what each product is called -> (D,), in the order of the matrices. features: what
    each of the D numbers means. The rows that the token adds up, those where it is not 0, are framed.
    Raises ValueError when a result is not the product of the token and its matrix.
    """
    gaps = {"left": 0.08, "right": 0.99, "top": 0.88, "bottom": 0.02, "wspace": 0.12, "hspace": 0.68}
    figure, axes = new_figure(
        3, len(matrices), height=5.8, height_ratios=[1, len(token), 1], gridspec_kw=gaps, squeeze=False
    )
    figure.set_layout_engine("none")  # which would part the columns by the names at the left
    told = []
    named = [from_lesson(feature) for feature in features]
    for axis in axes[0]:
        axis.set_axis_off()
    start = axes[0, len(matrices) // 2]
    start.set_axis_on()
    show_numbers(start, token[None], columns=named)
    start.set_title(f"x: {from_lesson(name)}", weight="bold")
    pairs = zip(axes[1], axes[2], matrices.items(), results.items(), strict=True)
    for column, (middle, end, (by, matrix), (role, result)) in enumerate(pairs):
        if not np.allclose(token @ matrix, result, atol=ROUNDING):
            raise ValueError(
                f"the {role} is {tell_row(result)}; expected the token times {by}, which is {tell_row(token @ matrix)}."
            )
        show_numbers(middle, matrix, named if column == 0 else [""] * len(token), named)
        middle.set_title(by)
        for row in np.flatnonzero(token).tolist():
            draw_frame(middle, (row, 0, row + 1, matrix.shape[1]), VIT_HUE, 3, halo=6)
        show_numbers(end, result[None])
        end.set_title(from_lesson(role), weight="bold")
        figure.add_artist(_arrow(start, (0.5, -0.05), middle, (0.5, 1.21)))
        figure.add_artist(_arrow(middle, (0.5, -0.02), end, (0.5, 1.45)))
        told.append(_("times {matrix} it is the {role} {row}", matrix=by, role=from_lesson(role), row=tell_row(result)))
    return describe(
        figure,
        _(
            "One token, {name}, {row} over {features}: {told}.",
            name=from_lesson(name),
            row=tell_row(token),
            features=", ".join(named),
            told="; ".join(told),
        ),
    )


def _arrow(start: Axes, start_at: tuple[float, float], end: Axes, end_at: tuple[float, float]) -> ConnectionPatch:
    arrow = ConnectionPatch(start_at, end_at, start.transAxes, end.transAxes, axesA=start, axesB=end, arrowstyle="-|>")
    arrow.set(color=INK, linewidth=1.5, mutation_scale=16)
    return arrow
