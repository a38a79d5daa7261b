"""Interval arithmetic against the definition: sets of pixels, unit by unit."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmteach.probes.receptive_field.intervals import Axis, NeedsSize, WrongSize, merge

# One layer: ("window", kernel, stride, padding, dilation) or ("repeat", times).
any_window = st.tuples(st.just("window"), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
repeat = st.tuples(st.just("repeat"), st.integers(1, 3))
layers = st.lists(any_window | repeat, min_size=1, max_size=4)
# Windows that overlap or touch, do not skip pixels and never lie in the padding alone.
full_window = any_window.filter(lambda w: w[1] >= w[2] and w[3] < w[1] and w[4] == 1)
layers_without_holes = st.lists(full_window | repeat, min_size=1, max_size=4)
PIXELS = 40


def build(recipe, pixels):
    """The Axis of a recipe, and for each unit the set of pixels it sees, padding left out."""
    axis, sets = Axis.of_picture(pixels), [{i} for i in range(PIXELS)]
    for kind, *numbers in recipe:
        known = len(sets)
        if kind == "window":
            kernel, stride, padding, gap = numbers
            count = (known + 2 * padding - gap * (kernel - 1) - 1) // stride + 1
            if count < 1:
                return None, None
            axis = axis.window(kernel, stride, padding, gap, None if pixels is None else count)
            reads = [[u * stride - padding + gap * j for j in range(kernel)] for u in range(count)]
        else:
            (times,) = numbers
            axis = axis.read([0] * times, [0] * times, 1, None if pixels is None else known * times)
            reads = [[u // times] for u in range(known * times)]
        sets = [set().union(*[sets[i] for i in units if 0 <= i < known], set()) for units in reads]
    return axis, sets


@settings(deadline=None)
@given(layers_without_holes)
def test_intervals_are_the_hulls_of_the_pixels_seen(recipe):
    axis, sets = build(recipe, PIXELS)
    if axis is None:
        return
    assert axis.count == len(sets)
    for unit, pixels in enumerate(sets):
        low, high = axis.interval(unit)
        first, last = axis.seen
        assert (max(low, first), min(high, last)) == (min(pixels), max(pixels))


@settings(deadline=None)
@given(layers)
def test_no_pixel_that_is_seen_lies_outside_its_interval(recipe):
    axis, sets = build(recipe, PIXELS)
    if axis is None:
        return
    for unit, pixels in enumerate(sets):
        low, high = axis.interval(unit)
        first, last = axis.seen
        assert all(max(low, first) <= pixel <= min(high, last) for pixel in pixels)


@settings(deadline=None)
@given(layers)
def test_without_a_size_the_windows_are_the_same(recipe):
    known, _ = build(recipe, PIXELS)
    unknown, _ = build(recipe, None)
    if known is not None:
        assert (unknown.low, unknown.high, unknown.step) == (known.low, known.high, known.step)
        assert (unknown.count, unknown.seen) == (None, None)


def test_a_convolution_three_wide_widens_by_the_stride_before_it():
    axis = Axis().window(7, 2, 3).window(3, 2, 1).window(3, 1, 1)
    assert (axis.size, axis.stride, -axis.low[0]) == (19, 4, 9)


def test_a_pattern_that_is_no_pattern_has_one_phase():
    doubled = Axis().read((0, 0), (0, 0), 1)
    assert (doubled.stride, len(doubled.low)) == (Fraction(1, 2), 2)
    back = doubled.window(2, 2)
    assert (back.low, back.high, back.step) == ((0,), (0,), 1)


def test_a_merge_of_equal_centres_is_aligned():
    wide, narrow = Axis().window(5, padding=2), Axis().window(3, padding=1)
    axis, aligned = merge(narrow, wide)
    assert (axis, aligned) == (wide, True)


def test_a_merge_of_different_centres_is_not():
    axis, aligned = merge(Axis().window(2), Axis().window(2, padding=1))
    assert (axis.low, axis.high, aligned) == ((-1,), (1,), False)


def test_different_strides_can_only_meet_in_maps_of_known_equal_length():
    with pytest.raises(NeedsSize, match="stride 2 and 1"):
        merge(Axis().window(1, 2), Axis())
    one, two = Axis.of_picture(6).window(1, 2, count=3), Axis.of_picture(6).window(4, count=3)
    axis, aligned = merge(one, two)
    assert [axis.interval(u) for u in range(3)] == [(0, 3), (1, 4), (2, 5)]
    assert (axis.stride, aligned) == (2, False)
    after = axis.window(2, padding=1, count=4)
    assert [after.interval(u) for u in range(4)] == [(0, 3), (0, 4), (1, 5), (2, 5)]


def test_maps_of_different_length_do_not_merge():
    with pytest.raises(WrongSize, match="6 and 5 units"):
        merge(Axis.of_picture(6), Axis.of_picture(5))
