import threading

import pytest
import torch
from torch import nn

from vlmteach.training import Recipe, fit
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


def test_in_training_it_is_drawn_on_the_main_thread():
    """Colab does not redraw a widget that another thread has changed."""
    threads = []

    def draw_on(step):
        threads.append(threading.current_thread())
        return draw(step)

    live = LiveFigure(draw_on, every=0)
    model = nn.Linear(1, 1)
    fit(
        model,
        lambda step: torch.ones(2, 1),
        lambda model, data: model(data).square().mean(),
        Recipe(steps=3, learning_rate=0.1),
        on_step=lambda report: live.update(step=report.step),
        progress=False,
    )
    assert drawn == [1, 2, 3]
    assert set(threads) == {threading.main_thread()}


def test_a_negative_wait_is_refused():
    with pytest.raises(ValueError, match="every is -1; expected 0 or more seconds"):
        LiveFigure(draw, every=-1)
