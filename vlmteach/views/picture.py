"""One picture, as large as a lesson needs it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.style import describe, new_figure, show_picture


def draw_picture(picture: np.ndarray, title: str) -> Figure:
    """A picture (H, W, 3) in [0, 1] under its title and size."""
    height, width = picture.shape[:2]
    figure, axis = new_figure(height=2.4)
    told = {"title": from_lesson(title), "height": height, "width": width}
    show_picture(axis, picture, _("{title}: {height} × {width} pixels", **told))
    brightness = _("bright") if picture.mean() > 0.5 else _("dark")
    return describe(
        figure,
        _(
            "{title}: a picture of {height} by {width} pixels, {brightness} on average ({mean:.2f}).",
            **told,
            brightness=brightness,
            mean=picture.mean(),
        ),
    )
