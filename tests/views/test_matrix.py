import numpy as np
import pytest
from matplotlib.colors import to_hex

from vlmteach.views import alt_text
from vlmteach.views import matrix as views

ROWS = [
    "CNN, field 3 cells",
    "CNN, field 7 cells",
    "CNN + one attention block",
    "ViT with a convolutional stem",
    "ViT",
]
COLUMNS = ["grid as a prefix", "cross-attention", "resampler, 8 latents", "mean vector", "attention-pooled vector"]
CELLS = [
    [np.array(seeds) for seeds in row]
    for row in (
        ([0.98, 0.99, 1.0], [0.97, 0.96, 0.98], [0.6, 0.61, 0.59], [0.55], [0.9]),
        ([0.98, 0.97, 0.99], [0.77, 0.76, 0.78], [0.52], [0.93], [0.62, 0.63, 0.64]),
        ([0.8, 0.7, 0.75], [0.85, 0.87, 0.86], [0.7], [0.68], [0.81]),
        ([0.7, 0.6, 0.8], [0.97, 0.98, 0.96], [0.88, 0.9, 0.89], [0.4], []),
        ([0.99, 1.0, 0.98], [0.83], [0.65], [0.51, 0.5, 0.52], [0.94]),
    )
]
BASICS = [[np.where(seeds < 0.65, 0.6, 0.99) for seeds in row] for row in CELLS]
CONTROLS = [
    views.ControlCell("bag of windows", np.array([0.5, 0.51, 0.49]), "theorem"),
    views.ControlCell("bag of windows, zero padding", np.array([0.8]), "leak"),
]


def draw(basics=BASICS):
    return views.draw_matrix("far relation", ROWS, COLUMNS, CELLS, basics, CONTROLS, guess=0.5, level=0.95)


@pytest.mark.mpl_image_compare
def test_matrix():
    figure = draw()
    text = alt_text(figure)
    assert "Accuracy in far relation, guessing 0.50." in text
    assert "CNN, field 3 cells: grid as a prefix 0.99 (3 seeds), cross-attention 0.97 (3 seeds)" in text
    assert "mean vector 0.55 (one seed; attributes not learned), attention-pooled vector 0.90 (one seed)" in text
    assert "attention-pooled vector not measured" in text
    assert "theorem, bag of windows: 0.50 (3 seeds)" in text
    return figure


def test_one_seed_and_a_cell_at_the_level_are_told_without_colour():
    texts = [text.get_text() for axis in draw().axes for text in axis.texts]

    assert texts.count("one seed") == 12
    assert "0.99 ✓" in texts
    assert "± 0.01" in texts
    assert {"theorem", "leak"} <= set(texts)


def test_a_cell_that_did_not_learn_attributes_has_a_hatched_foot_below_its_numbers():
    figure = draw()
    feet = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    low = {(r, c) for r, row in enumerate(BASICS) for c, seeds in enumerate(row) if seeds.size and seeds.mean() < 0.95}

    assert {(round(foot.get_y()), round(foot.get_x() + foot.get_width() / 2)) for foot in feet} == low
    grey = [patch for patch in figure.axes[0].patches if to_hex(patch.get_facecolor()) == views.SAYS_NOTHING.lower()]
    assert {(round(cell.get_y() + 0.5), round(cell.get_x() + 0.5)) for cell in grey} == low
    figure.draw_without_rendering()
    numbers = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(foot.get_window_extent().count_overlaps(numbers) for foot in feet)
    assert alt_text(figure).count("attributes not learned") == len(low) == len(feet)
    assert figure.get_supxlabel().endswith("grey and hatched: not even attributes were learned")


def test_where_all_cells_learned_attributes_no_hatch_is_drawn_or_explained():
    basics = [[np.full(len(seeds), 0.96) for seeds in row] for row in CELLS]
    figure = draw(basics)

    assert not any(patch.get_hatch() for patch in figure.axes[0].patches)
    assert "attributes" not in alt_text(figure)
    assert "hatched" not in figure.get_supxlabel()


def test_a_cell_that_was_not_measured_says_so_and_is_not_hatched():
    figure = draw()
    (text,) = [text for text in figure.axes[0].texts if text.get_text() == "not\nmeasured"]

    assert text.get_position() == (4, 3)
    assert alt_text(figure).count("not measured") == 1


def test_basics_of_other_runs_are_refused():
    with pytest.raises(ValueError, match="row 0, column 0 has 3 seeds in accuracy and 1 in basics"):
        draw([[seeds[:1] for seeds in row] for row in CELLS])


def test_names_and_numbers_of_five_by_five_cells_fit():
    figure = draw()
    figure.draw_without_rendering()
    axis = figure.axes[0]

    for labels in (axis.get_xticklabels(), axis.get_yticklabels(), axis.texts):
        boxes = [label.get_window_extent() for label in labels]
        assert all(box.count_overlaps(boxes) == 1 for box in boxes)  # itself
    cell = axis.bbox.width / len(COLUMNS)
    assert all(text.get_window_extent().width < 0.9 * cell for text in axis.texts)


@pytest.mark.parametrize(
    ("name", "lines"), [("mean vector", 1), ("attention-pooled vector", 3), ("CNN + one attention block", 3)]
)
def test_names_are_folded_at_spaces_and_hyphens(name, lines):
    folded = views._folded(name, 10 if lines != 1 else 16)

    assert folded.count("\n") + 1 == lines
    assert folded.replace("-\n", "-").replace("\n", " ") == name


def test_a_wide_letter_counts_twice_and_a_long_word_is_cut_where_it_may_be():
    assert views._folded("クロス\u200bアテンション", 12) == "クロス\nアテンション"
    assert views._folded("クロス\u200bアテンション", 18) == "クロスアテンション"
    assert views._folded("クロスアテンション", 10) == "クロスアテ\nンション"
    assert views._folded("ああああーーー", 10) == "あああ\nあーーー"
    assert views._folded("CNN（受容野3セル）", 16) == "CNN\n（受容野3セル）"
    assert views._folded("CNN（受容野3セル）", 18) == "CNN（受容野3セル）"


@pytest.mark.mpl_image_compare
def test_near_far():
    near, far = [np.array([0.99, 1.0]), np.array([0.9])], [np.array([0.97, 0.99]), np.array([0.5])]
    figure = views.draw_near_far(["CNN, cross-attention", "CNN, mean vector"], near, far, 0.5, 0.95)
    text = alt_text(figure)
    assert text.startswith("Accuracy in relations, guessing 0.50. ")
    assert "CNN, cross-attention: near 0.99, far 0.98; CNN, mean vector: near 0.90, far 0.50." in text
    assert [text.get_text() for text in figure.axes[0].texts] == [" guessing, 0.50", "95% "]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["near things", "far things", "from mean to mean"]
    return figure


@pytest.mark.mpl_image_compare
def test_blind():
    picture, question = np.array([[0.25, 0.5], [0.27, 0.51]]), np.array([[0.3, 0.5], [0.4, 0.49]])
    figure = views.draw_blind(["attribute", "far relation"], np.array([0.26, 0.5]), picture, question)
    text = alt_text(figure)
    assert "attribute: guessing 0.26, another picture up to 0.27, another question up to 0.40" in text
    assert "2 runs" in text
    return figure
