import pytest

from vlmteach.experiments.code import digest
from vlmteach.experiments.stamps import largest_difference, leading_to, stands_for

CODE = {"vlmteach.nn.tokens": "now"}
NOW = digest(CODE)


def stamps(*pairs):
    return [{"before": before, "after": after} for before, after in pairs]


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        (stamps(), set()),
        (stamps(("old", NOW)), {"old"}),
        (stamps(("old", NOW), ("other", NOW)), {"old", "other"}),
        (stamps(("older", "old"), ("old", NOW)), {"older", "old"}),
        (stamps(("old", NOW), ("older", "old")), {"older", "old"}),
        (stamps((NOW, "new")), set()),  # newer code says nothing of what was here before it
        (stamps(("a", "b")), set()),
        (stamps(("old", NOW), (NOW, "old")), {"old"}),  # a change that was taken back
    ],
)
def test_a_run_holds_for_the_code_that_stamps_lead_to(given, holds):
    assert stands_for(CODE, given) == {NOW, *holds}


def test_of_stamps_given_to_code_that_came_to_nothing_a_record_says_nothing():
    kept, left = stamps(("older", "old"), ("old", NOW)), stamps(("old", "tried"))
    assert leading_to(CODE, [kept[0], *left, kept[1]]) == kept


@pytest.mark.parametrize(
    ("recorded", "made", "difference"),
    [
        (0.5, 0.5, 0),
        (1, 3.5, 2.5),
        ([0.5, 0.25], [0.75, 0.25], 0.25),
        ([[1.0], []], [[0.0], []], 1),
        ({"a": [1, 2], "b": "x", "c": None}, {"a": [1, 5], "b": "x", "c": None}, 3),
        ([], [], 0),
    ],
)
def test_the_largest_difference_is_found_at_any_depth(recorded, made, difference):
    assert largest_difference(recorded, made) == difference
    assert largest_difference(made, recorded) == difference


@pytest.mark.parametrize(
    ("recorded", "made"),
    [([1], [1, 2]), ({"a": 1}, {"b": 1}), ("x", "y"), (None, 1), ([1], 1), ({"a": 1}, [1])],
)
def test_what_cannot_be_compared_is_not_called_equal(recorded, made):
    with pytest.raises(ValueError, match="cannot be compared"):
        largest_difference(recorded, made)


def test_nan_is_not_close_to_anything():
    assert not largest_difference(0.5, float("nan")) <= 1
    assert not largest_difference([float("nan"), 0.5], [0.5, 0.5]) <= 1
    assert not largest_difference([0.5, float("nan")], [0.5, 0.5]) <= 1
