import numpy as np

from vlmteach.experiments.grading import steps_to


def test_steps_to_a_level_count_to_the_end_of_the_window():
    accuracy = np.array([[0.2, 0.96, 0.2], [0.95, 0.5, 0.2], [1.0, 1.0, np.nan]])

    assert steps_to(0.95, accuracy, window=20) == [40, 20, None]


def test_no_window_reaches_no_level():
    assert steps_to(0.95, np.empty((0, 2)), window=50) == [None, None]
