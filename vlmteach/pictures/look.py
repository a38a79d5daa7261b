"""What every drawn picture of the course shares: six colours of things, the grey behind them, noise, and its cells."""

from __future__ import annotations

import numpy as np

COLOURS = ("red", "green", "blue", "yellow", "magenta", "cyan")
RGB = np.array(
    [(255, 0, 0), (0, 200, 0), (40, 80, 255), (255, 220, 0), (240, 0, 200), (0, 210, 220)],
    dtype=np.uint8,
)
GREY = 88  # the level of an empty background
NOISE = 16  # grey levels; a power of two, so that noise is a mask of random bytes
CELL = 8  # pixels along a cell's side
