"""A board of buttons on which a person places shapes: a control for explore, made of core widgets only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets
import traitlets

from vlmteach.language import _
from vlmteach.pictures.look import COLOURS, RGB
from vlmteach.pictures.scenes.board import Thing
from vlmteach.pictures.scenes.sampling import CELLS, SHAPES

SYMBOLS = {"circle": "●", "square": "■", "triangle": "▲", "cross": "✚"}
EMPTY = "#E4E4E4"
SIDE = "34px"


class SceneBoard(widgets.HBox):
    """A button for each cell. A press puts the chosen shape in the chosen colour there; pressed again it is taken off.

    things: what stands on the board at the start. value: the things on it now, in the order in which they were placed.
    """

    value = traitlets.Tuple()

    def __init__(self, things: Sequence[Thing], cells: int = CELLS) -> None:
        self.shape = widgets.Dropdown(options=[(f"{SYMBOLS[shape]} {shape}", shape) for shape in SHAPES])
        self.colour = widgets.Dropdown(options=COLOURS)
        for control, name in ((self.shape, _("shape")), (self.colour, _("colour"))):
            control.description = name
            control.layout.width = "15em"
        self.buttons = {
            (row, column): widgets.Button(layout=widgets.Layout(width=SIDE, height=SIDE, margin="1px", padding="0"))
            for row in range(1, cells + 1)
            for column in range(1, cells + 1)
        }
        for place, button in self.buttons.items():
            button.on_click(partial(self._press, place))
        grid = widgets.GridBox(
            list(self.buttons.values()), layout=widgets.Layout(grid_template_columns=f"repeat({cells}, 38px)")
        )
        hint = widgets.HTML(_("Choose, then press a cell.<br>The same thing again takes it off."))
        super().__init__(children=[grid, widgets.VBox([self.shape, self.colour, hint])], value=tuple(things))
        self._show()
        self.observe(self._show, names="value")

    def choices(self) -> list[tuple[Thing, ...]]:
        """What a sweep tries: the empty board, then one thing more each time."""
        return [self.value[:count] for count in range(len(self.value) + 1)]

    def _press(self, place: tuple[int, int], _button: Any) -> None:
        chosen = Thing(self.shape.value, self.colour.value, *place)
        there = [thing for thing in self.value if (thing.row, thing.column) == place]
        others = tuple(thing for thing in self.value if thing not in there)
        taken_off = any(thing.name == chosen.name for thing in there)
        self.value = others if taken_off else (*others, chosen)

    def _show(self, _change: Any = None) -> None:
        at = {(thing.row, thing.column): thing for thing in self.value}
        for place, button in self.buttons.items():
            thing = at.get(place)
            button.description = "" if thing is None else SYMBOLS[thing.shape]
            button.style.button_color = EMPTY if thing is None else _hex(thing.colour)
            cell = _("row {row}, column {column}", row=place[0], column=place[1])
            button.tooltip = _("{cell}: {held}", cell=cell, held=_("empty") if thing is None else thing.name)


def _hex(colour: str) -> str:
    return "#{:02x}{:02x}{:02x}".format(*RGB[COLOURS.index(colour)])
