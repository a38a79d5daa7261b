import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views import matrix as views

ROWS = ["CNN, field 3 cells", "ViT with a convolutional stem"]
COLUMNS = ["grid as a prefix", "attention-pooled vector", "mean vector"]
CELLS = [
    [np.array([0.98, 0.99, 1.0]), np.array([0.9]), np.array([0.55])],
    [np.array([0.7, 0.6, 0.8]), np.array([]), np.array([0.4])],
]
CONTROLS = [
    views.Control("bag of windows", np.array([0.5, 0.51, 0.49]), "theorem"),
    views.Control("bag of windows, zero padding", np.array([0.8]), "leak"),
]


@pytest.mark.mpl_image_compare
def test_matrix():
    figure = views.draw_matrix("far relation", ROWS, COLUMNS, CELLS, CONTROLS, guess=0.5, level=0.95)
    text = alt_text(figure)
    assert "Accuracy in far relation, guessing 0.50." in text
    assert "CNN, field 3 cells: grid as a prefix 0.99 (3 seeds), attention-pooled vector 0.90 (one seed)" in text
    assert "attention-pooled vector not measured" in text
    assert "theorem, bag of windows: 0.50 (3 seeds)" in text
    return figure


def test_one_seed_and_a_cell_at_the_level_are_told_without_colour():
    figure = views.draw_matrix("far relation", ROWS, COLUMNS, CELLS, CONTROLS, guess=0.5, level=0.95)
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]

    assert texts.count("one seed") == 4
    assert "0.99 ✓" in texts
    assert "± 0.01" in texts
    assert {"theorem", "leak"} <= set(texts)
    assert [patch.get_hatch() for patch in figure.axes[0].patches].count("//") == 1


@pytest.mark.parametrize(
    ("name", "lines"), [("mean vector", 1), ("attention-pooled vector", 3), ("CNN + one attention block", 3)]
)
def test_names_are_folded_at_spaces_and_hyphens(name, lines):
    folded = views._folded(name, 10 if lines != 1 else 16)

    assert folded.count("\n") + 1 == lines
    assert folded.replace("-\n", "-").replace("\n", " ") == name


@pytest.mark.mpl_image_compare
def test_near_far():
    near, far = [np.array([0.99, 1.0]), np.array([0.9])], [np.array([0.97, 0.99]), np.array([0.5])]
    figure = views.draw_near_far(["CNN, cross-attention", "CNN, mean vector"], near, far, (0.5, 0.51), 0.95)
    assert "CNN, cross-attention: near 0.99, far 0.98; CNN, mean vector: near 0.90, far 0.50." in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_blind():
    picture, question = np.array([[0.25, 0.5], [0.27, 0.51]]), np.array([[0.3, 0.5], [0.4, 0.49]])
    figure = views.draw_blind(["attribute", "far relation"], np.array([0.26, 0.5]), picture, question)
    text = alt_text(figure)
    assert "attribute: guessing 0.26, another picture up to 0.27, another question up to 0.40" in text
    assert "2 runs" in text
    return figure
