import threading

import ipywidgets as widgets
import pytest
from matplotlib.figure import Figure

from vlmteach.views import Explorer, Line, alt_text, describe, explore, figure_html, new_figure


def draw(**state) -> Figure:
    figure, _ = new_figure(height=1)
    return describe(figure, f"state {state}")


def test_the_first_picture_shows_the_start_of_every_control() -> None:
    explorer = explore(draw, layer=(2, 5), head=["mean", "max"], clip=True)
    assert explorer.state() == {"layer": 2, "head": "mean", "clip": True}
    assert (
        "state {&#x27;layer&#x27;: 2, &#x27;head&#x27;: &#x27;mean&#x27;, &#x27;clip&#x27;: True}"
        in explorer.picture.value
    )


def test_controls_start_where_the_lesson_puts_them_and_the_others_at_their_first_value() -> None:
    line = Line("question", ["first", "second"])
    explorer = explore(
        draw,
        start_at={"row": 5, "scale": 0.3, "head": 20, "clip": True, "question": "second"},
        row=(0, 13),
        column=(2, 13),
        scale=(0.0, 1.0, 0.1),
        head={"a": 10, "b": 20},
        clip=False,
        question=line,
    )
    start = {"row": 5, "column": 2, "scale": 0.3, "head": 20, "clip": True, "question": "second"}
    assert explorer.state() == start
    assert "&#x27;row&#x27;: 5, &#x27;column&#x27;: 2" in explorer.picture.value
    assert next(explorer.positions()) == {**start, "row": 0}
    assert {position["row"] for position in explorer.positions()} == set(range(14))


@pytest.mark.parametrize(
    ("start_at", "error", "words"),
    [
        ({"row": 14}, ValueError, r"puts 'row' at 14; its positions are 12, 13\."),
        ({"row": 12.5}, ValueError, "puts 'row' at 12.5"),
        ({"head": "max"}, ValueError, "its positions are 'mean', 'min'"),
        ({"layer": 1}, ValueError, "names 'layer'; there is no such control, only row, head"),
        ((12, 13), TypeError, "start_at is a tuple"),
    ],
)
def test_a_start_that_no_control_has_is_refused(start_at, error, words) -> None:
    with pytest.raises(error, match=words):
        explore(draw, start_at=start_at, row=(12, 13), head=["mean", "min"])


def test_moving_a_control_draws_again() -> None:
    explorer = explore(draw, layer=(0, 5))
    explorer.controls["layer"].value = 4
    assert "&#x27;layer&#x27;: 4" in explorer.picture.value


def test_positions_visit_every_value_of_every_control_and_every_corner_once() -> None:
    explorer = explore(draw, layer=(0, 3), scale=(0.0, 1.0, 0.25), head={"a": 10, "b": 20}, clip=False)
    visited = list(explorer.positions())
    assert {p["layer"] for p in visited} == {0, 1, 2, 3}
    assert {p["scale"] for p in visited} == {0.0, 0.25, 0.5, 0.75, 1.0}
    assert {p["head"] for p in visited} == {10, 20}
    assert {p["clip"] for p in visited} == {True, False}
    corners = {(p["layer"], p["scale"], p["head"], p["clip"]) for p in visited}
    assert {(a, b, c, d) for a in (0, 3) for b in (0.0, 1.0) for c in (10, 20) for d in (True, False)} <= corners
    assert len(corners) == len(visited)


@pytest.mark.parametrize(
    ("control", "error", "words"),
    [
        ((3, 1), ValueError, "low below high"),
        ((1,), ValueError, "low below high"),
        ([], ValueError, "no choices"),
        ("abc", TypeError, "is a str"),
    ],
)
def test_a_control_that_makes_no_sense_is_refused(control, error, words) -> None:
    with pytest.raises(error, match=words):
        explore(draw, thing=control)


def test_a_control_with_a_value_and_choices_of_its_own_is_shown_as_it_is() -> None:
    line = Line("question", ["first", "second"])
    explorer = explore(draw, question=line, clip=False)
    assert explorer.controls["question"] is line
    assert explorer.state() == {"question": "first", "clip": False}
    corners = [tuple(position.values()) for position in explorer.positions()]
    assert {("first", True), ("second", False), ("second", True)} <= set(corners)


def test_an_error_while_drawing_is_shown_where_the_figure_was_and_raised() -> None:
    def fragile(layer: int) -> Figure:
        if layer == 2:
            raise ValueError("layer 2 <is> missing")
        return draw(layer=layer)

    explorer = explore(fragile, layer=(0, 3))
    with pytest.raises(ValueError, match="missing"):
        explorer.controls["layer"].value = 2
    assert "layer 2 &lt;is&gt; missing" in explorer.picture.value


def test_a_slow_drawing_does_not_come_after_a_newer_one() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow_at_first(layer: int) -> Figure:
        if layer == 1:
            begun.set()
            go_on.wait(10)
        return draw(layer=layer)

    explorer = explore(slow_at_first, layer=(0, 3))
    older = threading.Thread(target=explorer.controls["layer"].set_trait, args=("value", 1))
    newer = threading.Thread(target=explorer.controls["layer"].set_trait, args=("value", 2))
    older.start()
    begun.wait(10)
    newer.start()
    newer.join(0.3)
    go_on.set()
    older.join(10)
    newer.join(10)
    assert "&#x27;layer&#x27;: 2" in explorer.picture.value


def test_the_text_view_of_an_explorer_does_not_reach_the_pixels() -> None:
    # strict notebook tests compare the first 110 characters of this text, which must not depend on the machine
    assert "base64" not in repr(explore(draw, layer=(0, 5)))[:110]
    assert "base64" not in repr(Explorer(draw, {}))[:110]


@pytest.mark.skipif(
    not hasattr(widgets.VBox, "_repr_mimebundle_"), reason="ipywidgets 7 shows the name of a widget only"
)
def test_where_no_widget_is_shown_the_words_stand_in_its_place() -> None:
    explorer = explore(draw, layer=(2, 5))
    explorer.controls["layer"].value = 4
    shown = explorer._repr_mimebundle_()
    assert shown["text/plain"] == "state {'layer': 4}"
    assert "application/vnd.jupyter.widget-view+json" in shown


def test_a_figure_becomes_an_image_with_its_alt_text_escaped() -> None:
    page = figure_html(describe(new_figure(height=1)[0], 'a "quoted" <b>text</b>'))
    assert page.startswith('<img alt="a &quot;quoted&quot; &lt;b&gt;text&lt;/b&gt;"')
    assert 'src="data:image/png;base64,iVBOR' in page


def test_a_figure_without_a_description_is_refused() -> None:
    figure, _ = new_figure(height=1)
    with pytest.raises(ValueError, match="no alt text"):
        alt_text(figure)
    with pytest.raises(ValueError, match="no alt text"):
        figure_html(figure)
    with pytest.raises(ValueError, match="empty"):
        describe(figure, "  ")
