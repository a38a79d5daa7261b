"""Controls beside a figure: the one way lessons make anything interactive."""

from __future__ import annotations

import html
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import ipywidgets as widgets
from matplotlib.figure import Figure

from vlmteach.language import from_lesson
from vlmteach.views.html import figure_html
from vlmteach.views.style import alt_text


@runtime_checkable
class OwnControl(Protocol):
    """A widget with a `value` that brings its own looks, such as a Line or a SceneBoard."""

    value: Any

    def choices(self) -> list[Any]:
        """The values a sweep tries, from the first to the last."""
        ...


Control = tuple | list | dict | bool | OwnControl


class Explorer(widgets.VBox):
    """Controls above a figure that is drawn again whenever one of them moves."""

    def __init__(
        self, draw: Callable[..., Figure], controls: Mapping[str, Control], start_at: Mapping[str, Any] | None = None
    ):
        self.draw = draw
        self._one_at_a_time = threading.RLock()
        self.controls = {name: _make_control(name, control) for name, control in controls.items()}
        if start_at is not None:
            _move(self.controls, start_at)
        self.picture = widgets.HTML()
        self._show()
        row = widgets.HBox(list(self.controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__(children=[row, self.picture])
        for control in self.controls.values():
            control.observe(self._redraw, names="value")

    def state(self) -> dict[str, Any]:
        """The value of every control now."""
        return {name: control.value for name, control in self.controls.items()}

    def positions(self) -> Iterator[dict[str, Any]]:
        """Every position of every control, the others at their start, and every corner of first and last values.

        Each comes once.
        """
        start = self.state()
        values = {name: _values(control) for name, control in self.controls.items()}
        ends = [(choices[0], choices[-1]) for choices in values.values()]
        along = ({**start, name: value} for name, choices in values.items() for value in choices)
        corners = (dict(zip(values, corner, strict=True)) for corner in itertools.product(*ends))
        visited: list[dict[str, Any]] = []
        for position in itertools.chain(along, corners):
            if position not in visited:
                visited.append(position)
                yield position

    def _show(self) -> None:
        figure = self.draw(**self.state())
        self.picture.value, self._told = figure_html(figure), alt_text(figure)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Where no widget is shown, the words that describe the figure stand in its place. (ipywidgets 7: its name.)"""
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": self._told}

    def _redraw(self, _change: Any) -> None:
        # JupyterLab may run callbacks beside each other: an old, slow drawing must not come after a newer one. The
        # state is read inside, so whoever draws last draws the newest.
        with self._one_at_a_time:
            try:
                self._show()
            except Exception as error:
                # A widget's callback has no cell to print to: without this the figure would just stop moving.
                self.picture.value = f"<p role='alert'><b>{type(error).__name__}</b>: {html.escape(str(error))}</p>"
                raise


def explore(draw: Callable[..., Figure], *, start_at: Mapping[str, Any] | None = None, **controls: Control) -> Explorer:
    """Show draw(**values) with one control for each keyword, and draw it again when a control moves.

    draw: a pure function that returns a described Figure.
    controls: (low, high) or (low, high, step) makes a slider, of whole numbers when all are whole; a list makes
        choices; a dict makes choices {label: value}; True or False makes a tick box; a Line or a SceneBoard is shown as
        it is. Underscores show as spaces.
    start_at: where controls stand at first, {name: value}. The others stand at their lowest or first value.
    Raises TypeError for any other kind of control, ValueError for an empty or inverted one and for a start that is
    no position of its control.
    """
    return Explorer(draw, controls, start_at)


def _make_control(name: str, control: Control) -> Any:
    if isinstance(control, OwnControl):
        return control
    label = from_lesson(name.replace("_", " "))
    style = {"description_width": "initial"}
    wide = {"description": label, "style": style}
    if isinstance(control, bool):
        return widgets.Checkbox(value=control, indent=False, description=label)
    if isinstance(control, tuple):
        return _make_slider(name, control, wide)
    if isinstance(control, (list, dict)):
        if not control:
            raise ValueError(f"control {name!r} has no choices; expected at least one.")
        named = control.items() if isinstance(control, dict) else [(str(value), value) for value in control]
        options = [(from_lesson(label), value) for label, value in named]
        if len(options) > 5:
            return widgets.Dropdown(options=options, value=options[0][1], **wide)
        style = style | {"button_width": "auto"}  # as wide as its words
        return widgets.ToggleButtons(options=options, value=options[0][1], description=label, style=style)
    raise TypeError(
        f"control {name!r} is a {type(control).__name__}; expected (low, high), (low, high, step), a list, a dict, "
        "True or False, a Line or a SceneBoard."
    )


def _move(controls: Mapping[str, Any], start_at: Mapping[str, Any]) -> None:
    if not isinstance(start_at, Mapping):
        raise TypeError(f"start_at is a {type(start_at).__name__}; expected {{name of a control: value}}.")
    for name, value in start_at.items():
        if name not in controls:
            raise ValueError(f"start_at names {name!r}; there is no such control, only {', '.join(controls)}.")
        positions = _values(controls[name])
        if value not in positions:
            listed = ", ".join(map(repr, positions))
            raise ValueError(f"start_at puts {name!r} at {value!r}; its positions are {listed}.")
        controls[name].value = positions[positions.index(value)]


def _make_slider(name: str, control: Sequence[float], wide: dict[str, Any]) -> Any:
    if len(control) not in (2, 3) or not control[0] < control[1]:
        raise ValueError(
            f"control {name!r} is {control}; expected (low, high) or (low, high, step) with low below high."
        )
    whole = all(isinstance(number, int) for number in control)
    low, high, step = (*control, 1 if whole else (control[1] - control[0]) / 20)[:3]
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(value=low, min=low, max=high, step=step, continuous_update=False, **wide)


def _values(control: Any) -> list[Any]:
    if isinstance(control, OwnControl):
        return control.choices()
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    if isinstance(control, (widgets.IntSlider, widgets.FloatSlider)):
        count = round((control.max - control.min) / control.step)
        # Rounded, so that the fourth of 0, 0.1, … is the 0.3 that a lesson writes, not 0.30000000000000004.
        return [type(control.value)(round(control.min + i * control.step, 12)) for i in range(count + 1)]
    return [value for _label, value in control.options]
