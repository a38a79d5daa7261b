import numpy as np
import pytest

from vlmteach.views import CNN_HUE, VIT_HUE, Reached, alt_text, draw_intervals

KINDS = ["attribute", "count", "far relation"]
GUESSING = np.array([0.25, 0.3, 0.5])
SYSTEMS = [
    Reached("a CNN", CNN_HUE, np.array([0.98, 0.35, 0.97]), np.array([0.01, 0.06, 0.05])),
    Reached("a ViT", VIT_HUE, np.array([0.9, 0.6, 0.52]), np.array([0.02, 0.1, 0.01])),
]


@pytest.mark.mpl_image_compare
def test_two_systems_beside_their_guess():
    figure = draw_intervals(KINDS, SYSTEMS, GUESSING, "accuracy on new scenes")
    text = alt_text(figure)
    assert text.startswith("Accuracy on new scenes. a CNN: attribute 0.98 ± 0.01, count 0.35 ± 0.06, far relation")
    assert text.endswith("Guessing: attribute 0.25, count 0.30, far relation 0.50.")
    return figure


def test_intervals_are_cut_where_no_accuracy_can_be_and_guesses_are_hollow():
    (axis,) = draw_intervals(KINDS, SYSTEMS, GUESSING, "accuracy").axes
    _, first, *_ = axis.collections
    ends = [tuple(line[:, 1]) for line in first.get_segments()]
    assert ends == [pytest.approx(pair) for pair in [(0.97, 0.99), (0.29, 0.41), (0.92, 1)]]
    hollow = [line.get_ydata().tolist() for line in axis.lines if line.get_color() == "#FFFFFF"]
    assert hollow == [[0.35], []]  # the guess of 0.30 lies in the CNN's interval; 0.50 is not in the ViT's


def test_systems_differ_by_mark_as_well_as_by_hue():
    (axis,) = draw_intervals(KINDS, SYSTEMS, GUESSING, "accuracy").axes
    assert len({line.get_marker() for line in axis.lines}) == 2
    assert [line.get_label() for line in axis.lines if line.get_color() != "#FFFFFF"] == ["a CNN", "a ViT"]
