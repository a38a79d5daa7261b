import hashlib
import re
from itertools import combinations

import numpy as np
import pytest
import torch
from support.scenes import cells_of

from vlmteach.pictures.look import CELL, COLOURS, GREY, RGB
from vlmteach.pictures.scenes.board import Scene, Thing, draw_scene
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.sampling import SHAPES, SIZES, far_scenes, near_scenes

# Made once on x86-64; the generator promises the same stream on every machine and version.
PLAIN_BYTES = "4f90f48935fc119b66d10e4b1b4686bc7e6505be0fda616cbf44262f19cee859"
NOISY_BYTES = "e99a8aa72f8d29ef245f1fbec19c288f20832fdbdbb9da84ad531b6e1adcb8fb"
SCENES = far_scenes(48, seed=(3, 14))
EVERY_WAY = [
    (shape, size, down, right)
    for shape in SHAPES
    for size in SIZES
    for down in range(CELL + 1 - size)
    for right in range(CELL + 1 - size)
]
DARKEST, LIGHTEST = (GREY - 8) / 255, (GREY + 7) / 255


def digest(pictures):
    return hashlib.sha256(pictures.numpy().tobytes()).hexdigest()


def drawn(shape, size, down, right, colour="red"):
    """One thing alone on one cell: (3, 8, 8), 0 to 255."""
    return draw_scene(Scene((Thing(shape, colour, 1, 1, size, down, right),), cells=1)).numpy() * 255


def touched(shape, size, down, right):
    """(8, 8): which pixels are not the background's."""
    return (np.abs(drawn(shape, size, down, right) - GREY) > 0.5).any(axis=0)


def full(shape, size, down, right):
    """(8, 8): which pixels the thing covers fully."""
    return (np.abs(drawn(shape, size, down, right) - RGB[0][:, None, None]) < 0.5).all(axis=0)


def of_things(scenes):
    """(B, cells, cells): where a thing stands."""
    mask = np.zeros((len(scenes), scenes.cells, scenes.cells), dtype=bool)
    mask[np.arange(len(scenes))[:, None], scenes.row, scenes.column] = True
    return mask


def test_a_scene_gives_the_same_bytes_on_every_machine():
    assert digest(draw_scenes(SCENES)) == PLAIN_BYTES
    assert digest(draw_scenes(SCENES, noise=5, clutter=2)) == NOISY_BYTES


def test_another_seed_gives_other_noise():
    assert not torch.equal(draw_scenes(SCENES, noise=5), draw_scenes(SCENES, noise=6))


@pytest.mark.parametrize("cells", [6, 8])
def test_pictures_are_ready_for_an_encoder(cells):
    pictures = draw_scenes(near_scenes(4, seed=0, cells=cells)[0])

    assert pictures.shape == (4, 3, 8 * cells, 8 * cells)
    assert pictures.dtype == torch.float32
    assert 0 <= pictures.min() < pictures.max() <= 1


def test_the_background_is_constant_and_things_stay_within_their_cells():
    cells = cells_of(draw_scenes(SCENES), SCENES.cells)
    empty = np.abs(cells * 255 - GREY).max(axis=(3, 4, 5)) == 0

    assert (empty == ~of_things(SCENES)).all()


def test_noise_is_faint_even_and_everywhere_behind_the_things():
    cells = cells_of(draw_scenes(SCENES, noise=1), SCENES.cells)
    levels = np.rint(cells[~of_things(SCENES)] * 255).astype(int)
    counts = np.bincount(levels.ravel() - (GREY - 8))

    assert len(counts) == 16
    assert counts.min() > 0.9 * counts.mean()
    for noisy, plain in zip(cells[of_things(SCENES)], cells_of(draw_scenes(SCENES), 6)[of_things(SCENES)], strict=True):
        assert np.abs(noisy - plain).max() < 8.5 / 255


@pytest.mark.parametrize("clutter", [1, 2])
def test_clutter_is_dark_marks_of_4_by_2_pixels_behind_the_things(clutter):
    noisy, marked = draw_scenes(SCENES, noise=1), draw_scenes(SCENES, noise=1, clutter=clutter)
    darker = (cells_of(noisy - marked, 6).mean(axis=3) > 0.1) & ~of_things(SCENES)[:, :, :, None, None]
    dark = darker[darker.any(axis=(3, 4))]
    mark = np.zeros((CELL, CELL), dtype=bool)
    mark[2:6, 3:5] = True

    assert (dark == mark).all()
    assert 0 < darker.any(axis=(3, 4)).sum(axis=(1, 2)).max() <= clutter
    assert len(dark) > 30 * clutter
    assert marked.min() >= 0


def test_clutter_shows_through_no_thing():
    full_pixels = 0
    noisy = cells_of(draw_scenes(SCENES, noise=1, clutter=2), 6)
    for index in range(len(SCENES)):
        for shape, colour, row, column, size, down, right in zip(
            *(getattr(SCENES, part)[index] for part in ("shape", "colour", "row", "column", "size", "down", "right")),
            strict=True,
        ):
            inside = full(SHAPES[shape], size, down, right)
            pixels = np.rint(noisy[index, row, column][:, inside].T * 255)
            full_pixels += inside.sum()
            assert (pixels == RGB[colour]).all()
    assert full_pixels > 1000


@pytest.mark.parametrize("colour", COLOURS)
def test_a_thing_has_its_colour(colour):
    for shape in SHAPES:
        picture = drawn(shape, 7, 0, 0, colour)

        assert np.abs(picture[:, 3, 3] - RGB[COLOURS.index(colour)]).max() < 1e-3


def test_colours_are_told_apart_from_each_other_and_from_the_background():
    levels = np.vstack([RGB, np.full((1, 3), GREY)]).astype(int)

    assert min(np.abs(a - b).max() for a, b in combinations(levels, 2)) > 75


@pytest.mark.parametrize(("shape", "size", "down", "right"), EVERY_WAY)
def test_a_thing_fills_the_square_of_its_size_and_no_more(shape, size, down, right):
    rows, columns = np.nonzero(touched(shape, size, down, right))

    assert (rows.min(), rows.max()) == (down, down + size - 1)
    assert (columns.min(), columns.max()) == (right, right + size - 1)


def test_a_thing_looks_the_same_wherever_it_stands():
    for shape, size, down, right in EVERY_WAY:
        moved = np.roll(drawn(shape, size, 0, 0), (down, right), axis=(1, 2))
        assert (moved == drawn(shape, size, down, right)).all()


def test_no_two_ways_to_draw_a_thing_look_alike():
    pictures = {drawn(*way).tobytes() for way in EVERY_WAY}

    assert len(pictures) == len(EVERY_WAY) == 4 * (16 + 9 + 4)


@pytest.mark.parametrize("size", SIZES)
def test_shapes_differ_in_many_pixels(size):
    pictures = {shape: drawn(shape, size, 0, 0)[0] for shape in SHAPES}
    for one, other in combinations(SHAPES, 2):
        assert (np.abs(pictures[one] - pictures[other]) > 40).sum() >= 4, (one, other)


@pytest.mark.parametrize("size", SIZES)
def test_shapes_have_the_symmetries_of_their_names(size):
    # the arms of the smallest cross end right on a sample, which rounding counts on one side only
    for shape in set(SHAPES) - ({"cross"} if size == 5 else set()):
        picture = drawn(shape, size, 0, 0)[0, :size, :size]
        assert (picture == picture[:, ::-1]).all()
        assert (picture == picture[::-1]).all() == (shape != "triangle")
        assert (picture == picture.T).all() == (shape != "triangle")
    corner = {shape: touched(shape, size, 0, 0)[0, 0] for shape in SHAPES}
    below = touched("triangle", size, 0, 0)

    assert corner["square"]
    assert not corner["cross"]
    assert below[0].sum() < below[size - 1].sum()  # it stands on its base


@pytest.mark.parametrize(
    ("shape", "area"), [("circle", np.pi / 4), ("square", 0.81), ("triangle", 0.5), ("cross", 0.5775)]
)
def test_soft_edges_keep_the_area(shape, area):
    for size in SIZES:
        cover = (drawn(shape, size, 0, 0)[0] - GREY).sum() / (255 - GREY)
        assert abs(cover / size**2 - area) < 0.06


def test_swapping_two_things_leaves_the_same_windows():
    for scenes in (SCENES, near_scenes(48, seed=1)[0]):
        cells, swapped = cells_of(draw_scenes(scenes), 6), cells_of(draw_scenes(scenes.swapped()), 6)
        for one, other in zip(cells, swapped, strict=True):
            windows, others = (sorted(cell.tobytes() for cell in part.reshape(36, 3, 8, 8)) for part in (one, other))
            assert windows == others
            assert (one != other).any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"clutter": 1}, "clutter is 1 without a seed; expected noise=<a seed>"),
        ({"clutter": 3, "noise": 1}, "clutter is 3; expected 0 to 2 marks"),
        ({"clutter": -1, "noise": 1}, "clutter is -1; expected 0 to 2 marks"),
        ({"noise": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        draw_scenes(SCENES, **arguments)
