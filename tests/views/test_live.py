import pytest

from vlmteach.views import describe, new_figure
from vlmteach.views.live import LiveFigure

drawn = []


def draw(step):
    drawn.append(step)
    figure, _ = new_figure(height=1)
    return describe(figure, f"step {step}")


@pytest.fixture(autouse=True)
def nothing_drawn():
    drawn.clear()


def test_the_first_state_is_drawn_and_young_drawings_are_kept():
    live = LiveFigure(draw, every=1000)
    for step in range(5):
        live.update(step=step)

    assert drawn == [0]
    assert 'alt="step 0"' in live.value


def test_every_state_is_drawn_without_a_wait():
    live = LiveFigure(draw, every=0)
    for step in range(3):
        live.update(step=step)

    assert drawn == [0, 1, 2]


def test_the_end_is_always_drawn():
    live = LiveFigure(draw, every=1000)
    live.update(step=1)
    live.draw_now(step=2)

    assert 'alt="step 2"' in live.value


def test_a_negative_wait_is_refused():
    with pytest.raises(ValueError, match="every is -1; expected 0 or more seconds"):
        LiveFigure(draw, every=-1)
