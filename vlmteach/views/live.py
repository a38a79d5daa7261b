"""A figure that changes while a cell runs, for watching a model learn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure

from vlmteach.views.html import figure_html


class LiveFigure(widgets.HTML):
    """Shows draw(**state); display it first, then call update from a training callback.

    draw: a pure function that returns a described Figure. every: seconds that pass at least between two drawings, so
    that watching costs little of the time; the first call and draw_now always draw.
    Raises ValueError for a negative time.
    """

    def __init__(self, draw: Callable[..., Figure], every: float = 1.0) -> None:
        if every < 0:
            raise ValueError(f"every is {every}; expected 0 or more seconds.")
        super().__init__()
        self.draw, self.every = draw, every
        self._last = float("-inf")

    def update(self, **state: Any) -> None:
        """Draw the state, unless the last drawing is too young."""
        if time.monotonic() - self._last >= self.every:
            self.draw_now(**state)

    def draw_now(self, **state: Any) -> None:
        """Draw the state; the last one of a run, so that the end is what remains."""
        self.value = figure_html(self.draw(**state))
        self._last = time.monotonic()
