"""One picture, as large as a lesson needs it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from vlmteach.views.style import describe, new_figure, show_picture


def draw_picture(picture: np.ndarray, title: str) -> Figure:
    """A picture (H, W, 3) in [0, 1] under its title and size."""
    height, width = picture.shape[:2]
    figure, axis = new_figure(height=2.4)
    show_picture(axis, picture, f"{title}: {height} × {width} pixels")
    brightness = "bright" if picture.mean() > 0.5 else "dark"
    return describe(
        figure, f"{title}: a picture of {height} by {width} pixels, {brightness} on average ({picture.mean():.2f})."
    )
