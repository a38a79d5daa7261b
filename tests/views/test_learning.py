import numpy as np
import pytest

from vlmteach.views import CNN_HUE, VIT_HUE, alt_text
from vlmteach.views import learning as views

STEPS = np.arange(100, 1100, 100)


def learning(title, hue, speed, seeds, reached):
    curves = 0.5 + 0.5 / (1 + np.exp(-(STEPS[None] - 500) / 100 * speed)) - 0.01 * np.arange(seeds)[:, None]
    return views.LearningCurve(title, hue, STEPS, curves, np.array(reached))


CURVES = [
    learning("CNN", CNN_HUE, 1.0, 3, [700.0, 800.0, 900.0]),
    learning("ViT", VIT_HUE, 0.05, 1, [np.nan]),
    learning("some of them", VIT_HUE, 0.6, 2, [900.0, np.nan]),
]


@pytest.mark.mpl_image_compare
def test_learning():
    figure = views.draw_learning_curves("far relation", CURVES, guess=0.5, level=0.95)
    text = alt_text(figure)
    assert "CNN: 95% after 800 steps" in text
    assert "ViT: not 95% within 1,000 steps" in text
    assert "some of them: 95% within 1,000 steps in 1 of 2 seeds" in text
    return figure


def test_a_curve_that_never_reached_the_level_has_no_mark():
    def marks(curve):
        lines = views.draw_learning_curves("count", [curve], 0.5, 0.95).axes[0].lines
        return [line for line in lines if line.get_marker() != "None"]

    assert len(marks(CURVES[0])) == 1
    assert marks(CURVES[1]) == []


@pytest.mark.mpl_image_compare
def test_hunger():
    pictures = np.array([256, 1024, 4096, 16384])
    curves = [
        views.HungerCurve("CNN", CNN_HUE, pictures, np.array([0.4, 0.6, 0.9, 0.95]), np.array([1.0, 1.0, 0.97, 0.96])),
        views.HungerCurve("ViT", VIT_HUE, pictures, np.array([0.3, 0.4, 0.5, 0.7]), np.array([1.0, 0.9, 0.8, 0.75])),
    ]
    figure = views.draw_hunger("attribute", curves, guess=0.28, level=0.95)
    text = alt_text(figure)
    assert "CNN: 256 pictures 0.40 (set 1.00)" in text
    assert "16,384 pictures 0.70 (set 0.75)" in text
    return figure
