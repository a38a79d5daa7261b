"""The six colours that things have in every drawn picture of the course."""

from __future__ import annotations

import numpy as np

COLOURS = ("red", "green", "blue", "yellow", "magenta", "cyan")
RGB = np.array(
    [(255, 0, 0), (0, 200, 0), (40, 80, 255), (255, 220, 0), (240, 0, 200), (0, 210, 220)],
    dtype=np.uint8,
)
GREY = 88  # the level of an empty background
