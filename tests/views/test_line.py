import pytest

from vlmteach.views import Line, describe, explore, new_figure
from vlmteach.views.line import PICK

SUGGESTIONS = ["what shape is red ?", "is red left of blue ?"]


def draw(question):
    return describe(new_figure(height=1)[0], f"asked {question}")


def test_the_first_suggestion_stands_in_the_line():
    line = Line("question", SUGGESTIONS)
    assert line.value == line.text.value == SUGGESTIONS[0]


def test_typing_and_picking_both_draw_again():
    explorer = explore(draw, question=Line("question", SUGGESTIONS))
    line = explorer.controls["question"]
    line.text.value = "how many circle ?"
    assert "asked how many circle ?" in explorer.picture.value
    line.pick.value = SUGGESTIONS[1]
    assert "asked is red left of blue ?" in explorer.picture.value
    assert line.text.value == SUGGESTIONS[1]


def test_the_same_suggestion_can_be_picked_again_after_typing():
    line = Line("question", SUGGESTIONS)
    line.pick.value = SUGGESTIONS[1]
    assert line.pick.value == PICK
    line.text.value = "something else"
    line.pick.value = SUGGESTIONS[1]
    assert line.value == SUGGESTIONS[1]


def test_letters_do_not_count_before_enter():
    assert Line("question", SUGGESTIONS).text.continuous_update is False


def test_a_sweep_tries_every_suggestion():
    explorer = explore(draw, question=Line("question", SUGGESTIONS))
    assert {position["question"] for position in explorer.positions()} == set(SUGGESTIONS)


def test_no_suggestions_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        Line("question", [])
