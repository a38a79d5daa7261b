import numpy as np
import pytest

from vlmteach.views import CNN_HUE, INK, VIT_HUE, alt_text
from vlmteach.views import cliff as views

CELL, CHANCE = 8, 1 / 6
STEPS = np.arange(-7, 8)
DISTANCE = np.maximum(abs(STEPS)[:, None], abs(STEPS)[None, :])


def accuracy_map(up, down):
    """1 where the field reaches, else about chance; up and down in cells."""
    inside = (-up <= STEPS) & (down >= STEPS)
    noise = 0.02 * np.cos(np.arange(225.0)).reshape(15, 15)
    accuracy = np.where(inside[:, None] & inside[None, :], 1.0, CHANCE + noise)
    accuracy[7, 7] = np.nan
    return accuracy


def field(up, down):
    return (-CELL * up, -CELL * up, CELL * (down + 1), CELL * (down + 1))


BLANK = np.zeros((1, 64, 64, 3))
LOCAL = views.OffsetMap("CNN, 2 blocks", accuracy_map(2, 2), field(2, 2))
LOPSIDED = views.OffsetMap("CNN, strided stem", accuracy_map(3, 2), (-23, -23, 24, 24))
GLOBAL = views.OffsetMap("ViT, 1 block", accuracy_map(7, 7), None)

ACCURACY = [
    views.DistanceCurve("CNN, 2 blocks", CNN_HUE, np.tile([1, 1, 0.17, 0.16, 0.17, 0.18, 0.15], (3, 1))),
    views.DistanceCurve("ViT, 1 block", VIT_HUE, np.ones((3, 7))),
]
N = np.nan
LEARNED = [
    views.DistanceCurve("CNN, 3 blocks", CNN_HUE, np.array([[60, 100, 160, N, N, N, N], [80, 120, 200, N, N, N, N]])),
    views.DistanceCurve("ViT, 1 block", VIT_HUE, np.array([[80.0] * 7, [100.0] * 7])),
]


@pytest.mark.mpl_image_compare
def test_task():
    rng = np.random.default_rng(0)
    pictures = 0.35 + 0.02 * rng.random((3, 64, 64, 3))
    markers, squares = np.array([[3, 3], [0, 0], [7, 2]]), np.array([[5, 3], [7, 7], [6, 1]])
    figure = views.draw_task(pictures, markers, squares, ["red", "blue", "cyan"], CELL, field(1, 1))
    text = alt_text(figure)
    assert "is red and stands 2 down from the white cross" in text
    assert "is blue and stands 7 down, 7 right" in text
    assert "is cyan and stands 1 up, 1 left" in text
    assert "A frame shows" in text
    arrow = views.draw_task(BLANK, np.array([[3, 3]]), np.array([[1, 3]]), ["red"], CELL, marker_looks="white arrow")
    assert "the square that is asked for is red and stands 2 up from the white arrow" in alt_text(arrow)
    return figure


def test_a_frame_is_cut_at_the_picture():
    figure = views.draw_task(
        np.zeros((1, 64, 64, 3)), np.array([[0, 7]]), np.array([[1, 1]]), ["red"], CELL, field(1, 1)
    )
    frame = figure.axes[0].patches[-1]

    assert (frame.get_y(), frame.get_x(), frame.get_height(), frame.get_width()) == (0, 48, 16, 16)


@pytest.mark.mpl_image_compare
def test_offset_accuracy():
    figure = views.draw_offset_accuracy([LOCAL, LOPSIDED, GLOBAL], CHANCE, CELL)
    text = alt_text(figure)
    assert "CNN, 2 blocks sees from 16 pixels above to 16 below its cell: 1.00 on average there, 0.17 beyond." in text
    assert "CNN, strided stem sees from 23 pixels above to 16 below" in text
    assert "ViT, 1 block sees the whole picture: at least 1.00 everywhere." in text
    return figure


def test_the_field_box_frames_its_cells_exactly():
    figure = views.draw_offset_accuracy([LOCAL], CHANCE, CELL)
    box = figure.axes[0].patches[-1]

    assert (box.get_y(), box.get_x(), box.get_height(), box.get_width()) == (-2.5, -2.5, 5, 5)


@pytest.mark.mpl_image_compare
def test_distance_accuracy():
    figure = views.draw_distance_accuracy(ACCURACY, CHANCE)
    assert "CNN, 2 blocks: 1.00, 1.00, 0.17, 0.16, 0.17, 0.18, 0.15; ViT, 1 block: 1.00" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_steps_to_level():
    figure = views.draw_steps_to_level(LEARNED, 0.95)
    assert "ViT, 1 block, mean steps to 95% at distance 1: 90" in alt_text(figure)
    return figure


def test_the_least_accuracy_is_not_rounded_up():
    accuracy = np.where(np.isnan(GLOBAL.accuracy), np.nan, 0.996)
    figure = views.draw_offset_accuracy([GLOBAL._replace(accuracy=accuracy)], CHANCE, CELL)

    assert "at least 0.99 everywhere" in alt_text(figure)


def test_a_distance_that_no_seed_learned_has_a_cross_in_its_curves_colour_above_all_curves():
    partly = views.DistanceCurve(
        "CNN, 4 blocks", INK, np.array([[60, 100, 160, 170, N, N, N], [70, 90, N, N, N, N, N]])
    )
    figure = views.draw_steps_to_level([*LEARNED, partly], 0.95)
    axis = figure.axes[0]
    crosses = [line for line in axis.lines if line.get_marker() == "x"]

    assert [(line.get_color(), line.get_xdata().tolist()) for line in crosses] == [
        (CNN_HUE, [4, 5, 6, 7]),
        (INK, [5, 6, 7]),
    ]
    heights = [set(line.get_ydata()) for line in crosses]
    assert heights[0].isdisjoint(heights[1])
    bottom, top = axis.get_ylim()
    assert all(bottom + height * (top - bottom) > 200 for height in set.union(*heights))  # 200: the slowest seed
    assert figure.legends[0].get_texts()[-1].get_text().startswith("never")


def test_without_a_distance_never_learned_the_legend_has_no_cross():
    figure = views.draw_steps_to_level(LEARNED[1:], 0.95)

    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ViT, 1 block"]


TAKEN = np.arange(20, 141, 20)
RISING = 1 - 5 / 6 * np.exp(-TAKEN[:, None] / np.array([15, 30, 60, 1e9, 1e9, 1e9, 1e9]))


@pytest.mark.mpl_image_compare
def test_training():
    figure = views.draw_training("CNN, 3 blocks", TAKEN, RISING, total=240, reach=3, chance=CHANCE)
    text = alt_text(figure)
    assert "CNN, 3 blocks after 140 of 240 steps. Accuracy at distance 1 to 7: 1.00, 0.99, 0.92, 0.17" in text
    assert "It can see 3 cells away." in text
    return figure


def test_training_before_the_first_window_is_an_empty_figure():
    figure = views.draw_training("ViT", TAKEN[:0], RISING[:0], total=240, reach=7, chance=CHANCE, hue=VIT_HUE)

    assert "ViT after 0 of 240 steps" in alt_text(figure)
    assert "none yet" in alt_text(figure)


@pytest.mark.parametrize("windows", range(1, 8))
@pytest.mark.parametrize("reach", [1, 7])
def test_training_draws_at_every_moment_and_reach(windows, reach):
    figure = views.draw_training("CNN", TAKEN[:windows], RISING[:windows], total=240, reach=reach, chance=CHANCE)
    bars = figure.axes[0].patches

    assert sorted(bar.get_height() for bar in bars) == pytest.approx(sorted(RISING[windows - 1]))


def test_a_curve_may_begin_farther_away():
    far = views.DistanceCurve("attention", INK, np.array([[N, N, 1, 1, 0.9, 1, 1]] * 3))
    text = alt_text(views.draw_distance_accuracy([far], CHANCE))

    assert "attention, from 3 on: 1.00, 1.00, 0.90, 1.00, 1.00." in text


def board_map(title, seen):
    accuracy = np.where(seen, 0.98, CHANCE)
    accuracy[1, 2] = np.nan
    return views.BoardMap(title, (1, 2), accuracy, seen)


WINDOW = np.zeros((8, 8), dtype=bool)
WINDOW[:4, :4] = True


@pytest.mark.mpl_image_compare
def test_board_accuracy():
    figure = views.draw_board_accuracy(
        [board_map("windows", WINDOW), board_map("all global", np.ones((8, 8), dtype=bool))], CHANCE
    )
    text = alt_text(figure)
    assert "windows sees 16 of 64 cells: 0.98 on average there, 0.17 elsewhere." in text
    assert text.endswith("all global sees 64 of 64 cells: 0.98 on average there.")
    return figure


def test_the_line_goes_around_what_is_seen_in_any_shape():
    seen = np.zeros((8, 8), dtype=bool)
    seen[2, 3] = seen[3, 3] = seen[3, 4] = True
    figure = views.draw_board_accuracy([board_map("a corner", seen)], CHANCE)
    sides = {tuple(map(tuple, side)) for side in figure.axes[0].collections[-1].get_segments()}

    assert sides == {
        ((2.5, 1.5), (3.5, 1.5)),
        ((2.5, 3.5), (3.5, 3.5)),
        ((3.5, 2.5), (4.5, 2.5)),
        ((3.5, 3.5), (4.5, 3.5)),
        ((2.5, 1.5), (2.5, 2.5)),
        ((2.5, 2.5), (2.5, 3.5)),
        ((3.5, 1.5), (3.5, 2.5)),
        ((4.5, 2.5), (4.5, 3.5)),
    }
