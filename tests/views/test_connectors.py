import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views import connectors as views
from vlmteach.views.meetings import MEETINGS, draw_meeting

WORDS = ["what", "is", "on", "her", "hat", "?"]


@pytest.mark.mpl_image_compare
def test_mask():
    mask = np.tril(np.ones((7, 7), dtype=bool))
    mask[:, :5] = True
    figure = views.draw_mask(mask, [("picture", 3), ("question", 2), ("answer", 2)])
    text = alt_text(figure)
    assert "picture sees all of question" in text
    assert "question sees none of answer" in text
    assert "answer sees part of answer" in text
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert len(dots) == mask.sum()
    return figure


@pytest.mark.mpl_image_compare
def test_selection():
    figure = views.draw_selection(["sum", "product", "hidden layer"], [20, 32, 32], total=32, bound=26)
    assert "sum: 20; product: 32" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_costs():
    figure = views.draw_costs(["one vector", "prefix", "cross-attention"], [6, 202, 6], [32_768, 32_832, 74_240])
    assert "prefix: 202 tokens, 32,832 parameters" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_gates():
    steps = np.arange(20)
    gates = {"gate at 0": steps / 20, "gate and output at 0": steps * 0.0}
    errors = {"gate at 0": 1 / (1 + steps), "gate and output at 0": np.ones(20)}
    figure = views.draw_gates(gates, errors)
    assert "gate and output at 0: opening 0.00, error 1.00 at first and 1.00 at last" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_regions():
    picture = np.linspace(0, 1, 48 * 64 * 3).reshape(48, 64, 3)
    figure = views.draw_regions(picture, np.array([[4, 8, 30, 40], [20, 30, 44, 60]]), ["hat", "tie"])
    assert "hat, rows 4 to 30, columns 8 to 40" in alt_text(figure)
    frame = figure.axes[0].patches[1]
    assert (frame.get_y(), frame.get_x(), frame.get_height(), frame.get_width()) == (4, 8, 26, 32)
    return figure


@pytest.mark.mpl_image_compare
def test_meeting_in_a_vector():
    return draw_meeting("one vector", 8, WORDS)


@pytest.mark.mpl_image_compare
def test_meeting_in_a_sequence():
    return draw_meeting("prefix", 8, WORDS)


@pytest.mark.mpl_image_compare
def test_meeting_by_asking():
    return draw_meeting("cross-attention", 8, WORDS)


@pytest.mark.parametrize("meeting", MEETINGS)
@pytest.mark.parametrize("count", [1, 4, 16])
def test_only_a_prefix_makes_the_sequence_longer(meeting, count):
    length = len(WORDS) + (count if meeting == "prefix" else 0)
    assert f"The language model reads {length} tokens." in alt_text(draw_meeting(meeting, count, WORDS))


def test_another_meeting_is_refused():
    with pytest.raises(ValueError, match="one of one vector, prefix, cross-attention"):
        draw_meeting("telepathy", 4, WORDS)
