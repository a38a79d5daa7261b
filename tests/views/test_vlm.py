import numpy as np
import pytest
from matplotlib.text import Text

from vlmteach.views import CNN_HUE, VIT_HUE, alt_text
from vlmteach.views import vlm as views

FAMILIES = ["attribute", "count", "where", "near relation", "far relation", "same far"]
GUESSING = np.array([0.28, 0.26, 0.17, 0.5, 0.53, 0.52])
STEPS = 20 * np.arange(1, 16)
CURVE = GUESSING + (0.99 - GUESSING) * np.linspace(0, 1, 15)[:, None]
PICTURE = np.full((48, 48, 3), 0.35)
WORDS = ["what", "shape", "is", "red", "?"]
PROBABILITIES = {"square": 0.9, "circle": 0.06, "cross": 0.02, "triangle": 0.01, "no": 0.006, "yes": 0.004}
DROP = np.zeros((6, 6))
DROP[1, 2] = 0.85
DROP[4, 4] = -0.05
LOOKS = np.full((5, 6, 6), 0.02)
LOOKS[3, 1, 2] = 0.7
LOOKS[0, 5, 0] = 0.1


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.mpl_image_compare
def test_next_words():
    figure = views.draw_next_words(
        {"which": {"row": 0.5, "column": 0.5}, "how many circle ?": {str(n): 0.25 for n in range(4)}}
    )
    assert "After “how many circle ?”: 0 0.25, 1 0.25, 2 0.25, 3 0.25." in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_learning_so_far():
    figure = views.draw_learning_by_family("CNN", FAMILIES, GUESSING, STEPS, CURVE, 700)
    assert "CNN after 300 of 700 steps. Accuracy by family: attribute: 0.99, guessing 0.28; " in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_learning_beside_a_recorded_run():
    steps = 50 * np.arange(1, 41)
    curve = GUESSING + (1 - GUESSING) * np.linspace(0, 1, 40)[:, None]
    recorded = views.Recorded("2000 steps, 2 seeds", steps, np.stack([curve, curve**2]))
    figure = views.draw_learning_by_family("CNN", FAMILIES, GUESSING, STEPS, CURVE, 700, recorded)
    assert "Dashed, 2000 steps, 2 seeds: at its end, after 2000 steps, 1.00, " in alt_text(figure)
    assert figure.axes[0].get_xlim() == (0, 2000)
    return figure


def test_before_the_first_window_there_is_nothing_to_draw_and_that_is_said():
    figure = views.draw_learning_by_family("CNN", FAMILIES, GUESSING, STEPS[:0], CURVE[:0], 700)
    assert "CNN after 0 of 700 steps. Accuracy by family: attribute: nothing yet" in alt_text(figure)


@pytest.mark.mpl_image_compare
def test_report():
    reports = [
        views.Report("CNN", CNN_HUE, np.full(6, 0.99)),
        views.Report("ViT", VIT_HUE, np.full(6, 0.98)),
        views.Report("one vector", CNN_HUE, GUESSING + 0.1),
    ]
    figure = views.draw_report(FAMILIES, GUESSING, reports)
    assert "Guessing: attribute 0.28, count 0.26" in alt_text(figure)
    assert "one vector: attribute 0.38" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_answer():
    figure = views.draw_answer(PICTURE, WORDS, PROBABILITIES, DROP, LOOKS, right="square")
    text = alt_text(figure)
    assert text.startswith("“what shape is red ?” Answers: square 0.90, circle 0.06")
    assert "Right is square. Hiding row 2, column 3 costs “square” most: 0.85" in text
    assert "“what” row 6, column 1 (0.10)" in text
    assert "“red” row 2, column 3 (0.70)" in text
    return figure


@pytest.mark.mpl_image_compare
def test_answer_without_attention():
    figure = views.draw_answer(PICTURE, WORDS, PROBABILITIES, DROP, right="yes")
    assert "Each word" not in alt_text(figure)
    return figure


def test_the_right_answer_is_shown_however_unlikely_it_is():
    figure = views.draw_answer(PICTURE, WORDS, PROBABILITIES, DROP, right="yes")
    labels = [text for text in texts(figure) if text.split()[0] in PROBABILITIES]
    assert labels == ["square", "circle", "cross", "triangle", "yes (right)"]


@pytest.mark.parametrize("common", [False, True])
def test_the_description_says_when_all_maps_share_one_scale(common):
    maps = np.full((len(WORDS), 6, 6), 1 / 36)
    told = alt_text(views.draw_answer(PICTURE, WORDS, PROBABILITIES, DROP, maps, common_scale=common))
    assert told.endswith(" All maps share one scale.") == common


@pytest.mark.parametrize("drop", [-0.2, -0.0, 0.0, 0.0049])
def test_an_answer_that_nothing_changes_loses_nothing(drop):
    figure = views.draw_answer(PICTURE, WORDS, PROBABILITIES, np.full((6, 6), drop))
    assert "Hiding any one cell costs it nothing." in alt_text(figure)
    assert "up to 0.00" in texts(figure)
    assert "Right is" not in alt_text(figure)
