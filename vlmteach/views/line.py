"""A line to type into, with suggestions to pick from: a control for explore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
import traitlets

from vlmteach.language import N_, _, from_lesson

PICK = N_("pick one …")


class Line(widgets.VBox):
    """Text that a person types (it counts when Enter is pressed or the line is left), or picks from suggestions.

    suggestions: the first one stands in the line at the start. Raises ValueError when there is none.
    """

    value = traitlets.Unicode()

    def __init__(self, label: str, suggestions: Sequence[str]) -> None:
        if not suggestions:
            raise ValueError("the line has no suggestions; expected at least one, to start from.")
        self.suggestions = list(suggestions)
        self.text = widgets.Text(
            value=self.suggestions[0],
            description=from_lesson(label),
            continuous_update=False,
            layout=widgets.Layout(width="24em"),
        )
        self.pick = widgets.Dropdown(
            options=[(_(PICK), PICK), *((from_lesson(one), one) for one in self.suggestions)],
            description=_("or"),
            layout=widgets.Layout(width="24em"),
        )
        super().__init__(children=[self.text, self.pick])
        traitlets.link((self.text, "value"), (self, "value"))
        self.pick.observe(self._picked, names="value")

    def choices(self) -> list[str]:
        """What a sweep tries: every suggestion."""
        return self.suggestions

    def _picked(self, change: Any) -> None:
        if change["new"] != PICK:
            self.value = change["new"]
            self.pick.value = PICK  # so that the same one can be picked again after typing
