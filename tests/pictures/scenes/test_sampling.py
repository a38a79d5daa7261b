import hashlib
import re

import numpy as np
import pytest
from support.scenes import distance, places, unevenness

from vlmteach.pictures.scenes.sampling import (
    CELL,
    COLOURS,
    EVERY_PAIR,
    FAR,
    SHAPES,
    SIZES,
    far_scenes,
    joined,
    near_scenes,
)

# Made once on x86-64; the generator promises the same stream on every machine and version.
NEAR_BYTES = "3d05668de625ce6fa9e6f73467df77a50045aa666fd9f7782edf66f37f2a4b2c"
FAR_BYTES = "4519a7141ac124ab34255c49a0ade76a7564d0a5eef55c70b28c9ace04ba1585"
PARTS = ("shape", "colour", "row", "column", "size", "down", "right")
COUNT = 36_000
NEAR_SCENES, COUNTED = near_scenes(COUNT, seed=1)
FAR_SCENES = far_scenes(COUNT, seed=1)
BOTH = pytest.mark.parametrize("scenes", [NEAR_SCENES, FAR_SCENES], ids=["near", "far"])


def digest(scenes):
    return hashlib.sha256(b"".join(getattr(scenes, part).astype("<i8").tobytes() for part in PARTS)).hexdigest()


def without(shape, colour):
    pairs = EVERY_PAIR.copy()
    pairs[SHAPES.index(shape), COLOURS.index(colour)] = False
    return pairs


def test_a_seed_gives_the_same_scenes_on_every_machine():
    assert digest(near_scenes(16, seed=(3, 14))[0]) == NEAR_BYTES
    assert digest(far_scenes(16, seed=(3, 14))) == FAR_BYTES


@pytest.mark.parametrize("other", [(4,), (3, 0), (0, 3), (3, 1)])
def test_another_seed_gives_other_scenes(other):
    assert digest(near_scenes(8, seed=3)[0]) != digest(near_scenes(8, seed=other)[0])
    assert digest(far_scenes(8, seed=3)) != digest(far_scenes(8, seed=other))


@BOTH
def test_things_stay_within_their_cells(scenes):
    for offset in (scenes.down, scenes.right):
        assert offset.min() == 0
        assert (offset + scenes.size).max() == CELL
    for place in (scenes.row, scenes.column):
        assert (place.min(), place.max()) == (0, scenes.cells - 1)


@BOTH
def test_sizes_and_their_jitter_are_even(scenes):
    assert unevenness(np.bincount(scenes.size.ravel() - SIZES[0], minlength=3)) < 5
    for size in SIZES:
        for offset in (scenes.down, scenes.right):
            assert unevenness(np.bincount(offset[scenes.size == size], minlength=CELL + 1 - size)) < 5


@BOTH
def test_no_two_things_share_a_colour_or_a_cell(scenes):
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert (scenes.colour[:, first] != scenes.colour[:, second]).all()
        assert (places(scenes)[:, first] != places(scenes)[:, second]).all()


@BOTH
def test_every_triple_of_colours_comes_equally_often(scenes):
    triple = scenes.colour @ np.array([36, 6, 1])
    counts = np.bincount(triple, minlength=216)

    assert (counts > 0).sum() == 6 * 5 * 4
    assert unevenness(counts[counts > 0]) < 5


@BOTH
def test_each_thing_has_each_shape_equally_often(scenes):
    for thing in range(3):
        assert unevenness(np.bincount(scenes.shape[:, thing], minlength=4)) < 5


@pytest.mark.parametrize("distances", [(1,), (2,), (1, 2)])
def test_neighbours_are_as_far_apart_as_asked(distances):
    scenes, _ = near_scenes(2000, seed=2, distances=distances)

    assert set(distance(scenes, 0, 1)) == set(distances)


@pytest.mark.parametrize("distances", [(1,), (2,), (1, 2)])
def test_every_cell_at_the_asked_distances_is_a_neighbour_equally_often(distances):
    scenes, _ = near_scenes(COUNT, seed=3, distances=distances, cells=8)
    inner = (scenes.row[:, 0] == 4) & (scenes.column[:, 0] == 3)
    down, right = (part[inner, 1] - part[inner, 0] for part in (scenes.row, scenes.column))
    counts = np.bincount((down + 2) * 5 + right + 2, minlength=25)

    assert (counts > 0).sum() == {(1,): 8, (2,): 16, (1, 2): 24}[distances]
    assert unevenness(counts[counts > 0]) < 5


def test_the_third_thing_stands_in_every_cell_equally_often():
    assert unevenness(np.bincount(places(NEAR_SCENES)[:, 2], minlength=36)) < 5


def test_neighbours_stand_in_every_cell():
    for thing in (0, 1):
        assert len(np.unique(places(NEAR_SCENES)[:, thing])) == 36


def test_each_shape_is_counted_equally_often_and_found_0_to_3_times_equally_often():
    times = (NEAR_SCENES.shape == COUNTED[:, None]).sum(axis=1)

    assert unevenness(np.bincount(COUNTED * 4 + times, minlength=16)) < 5


@pytest.mark.parametrize("times", [1, 2])
def test_any_of_the_things_may_be_the_counted_ones(times):
    found = NEAR_SCENES.shape == COUNTED[:, None]
    which = (found[found.sum(axis=1) == times] @ np.array([1, 2, 4])).astype(int)
    counts = np.bincount(which, minlength=8)

    assert (counts > 0).sum() == 3
    assert unevenness(counts[counts > 0]) < 5


@pytest.mark.parametrize("cells", [6, 7, 8])
def test_far_things_are_far_apart_also_across_the_borders(cells):
    scenes = far_scenes(4000, seed=2, cells=cells)

    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert distance(scenes, first, second, around=True).min() == FAR
        assert distance(scenes, first, second).min() == FAR


@pytest.mark.parametrize("cells", [6, 8])
def test_each_far_thing_stands_in_every_cell_equally_often(cells):
    scenes = far_scenes(COUNT, seed=3, cells=cells)

    for thing in range(3):
        assert unevenness(np.bincount(places(scenes)[:, thing], minlength=cells * cells)) < 5


def test_the_first_two_far_things_are_alike_in_half_of_the_scenes():
    alike = FAR_SCENES.shape[:, 0] == FAR_SCENES.shape[:, 1]
    together = np.bincount(FAR_SCENES.shape[~alike, 0] * 4 + FAR_SCENES.shape[~alike, 1], minlength=16)

    assert abs(alike.mean() - 0.5) < 5 * 0.5 / COUNT**0.5
    assert unevenness(np.bincount(FAR_SCENES.shape[alike, 0], minlength=4)) < 5
    assert unevenness(together[together > 0]) < 5
    assert (together > 0).sum() == 12


def test_held_out_pairs_never_occur():
    pairs = without("circle", "red") & without("cross", "cyan")
    for scenes in (near_scenes(4000, seed=4, pairs=pairs)[0], far_scenes(4000, seed=4, pairs=pairs)):
        seen = np.zeros_like(pairs)
        seen[scenes.shape, scenes.colour] = True

        assert (seen == pairs).all()


def test_holding_out_pairs_leaves_shapes_and_places_alone():
    scenes = far_scenes(100, seed=1, pairs=without("circle", "red"))
    whole = far_scenes(100, seed=1)

    assert (scenes.shape == whole.shape).all()
    assert (places(scenes) == places(whole)).all()


def test_the_counterfactual_swaps_the_places_of_two_things_and_nothing_else():
    scenes = NEAR_SCENES.take(np.arange(100))
    twin = scenes.swapped()

    assert (places(twin) == places(scenes)[:, [1, 0, 2]]).all()
    for part in ("shape", "colour", "size", "down", "right"):
        assert (getattr(twin, part) == getattr(scenes, part)).all()
    assert digest(twin.swapped()) == digest(scenes)


def test_scenes_are_taken_by_number_or_mask_and_joined_again():
    scenes = NEAR_SCENES.take(np.array([5, 2, 9]))
    mask = np.array([True, False, True])

    assert len(scenes) == 3
    assert (scenes.colour == NEAR_SCENES.colour[[5, 2, 9]]).all()
    assert digest(scenes.take(mask)) == digest(NEAR_SCENES.take(np.array([5, 9])))
    assert digest(joined(scenes.take(np.array([0])), scenes.take(np.array([1, 2])))) == digest(scenes)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"count": 0}, "count is 0; expected at least one scene"),
        ({"cells": 5}, "cells is 5; expected 6 to 8 along the side"),
        ({"cells": 9}, "cells is 9; expected 6 to 8"),
        ({"distances": ()}, "distances is (); expected some of 1 to 2 cells"),
        ({"distances": (1, 3)}, "distances is (1, 3); expected some of 1 to 2"),
        ({"pairs": np.ones((6, 4), dtype=bool)}, "pairs has shape (6, 4)"),
        ({"pairs": np.ones((4, 6))}, "type float64; expected bools (4, 6)"),
        ({"pairs": np.eye(4, 6, dtype=bool)}, "pairs leaves a shape only 1 colours; expected at least 3"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, sentence):
    arguments = {"count": 4, "seed": 0} | arguments
    with pytest.raises(ValueError, match=re.escape(sentence)):
        near_scenes(**arguments)
    if "distances" not in arguments:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            far_scenes(**arguments)
