"""The theorem: without places, an encoder that hears of one thing at a time makes a bag of what it saw.

Two far things that change places leave the bag as it was, so the whole model says the same, to rounding. Proved here on
the very models that are trained, in double precision.
"""

import numpy as np
import pytest
import torch

from vlmteach.experiments.matrix.models import MATRIX_CONNECTORS, build_vlm
from vlmteach.pictures.scenes.batches import make_batch
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.sampling import far_scenes, near_scenes

WORDS = make_batch(48, seed=3).words[24:36]
COUNT = len(WORDS)


def ready(encoder, connector, positions=False, dtype=torch.float64):
    """A model of the matrix with statistics of pictures in its BatchNorm, in eval mode."""
    model = build_vlm(encoder, connector, positions, seed=0).to(dtype).train()
    with torch.no_grad():
        for step in range(3):
            model.encoder(make_batch(16, (7, step)).pictures.to(dtype))
    return model.eval()


@torch.no_grad()
def moved_by_swapping(model, scenes):
    """How far the scores of any word move when the first two things of each scene change places: (B,)."""
    dtype = next(model.parameters()).dtype
    before, after = (model(draw_scenes(each).to(dtype), WORDS[: len(scenes)]) for each in (scenes, scenes.swapped()))
    return (before - after).abs().amax(dim=(1, 2, 3))


def test_statistics_are_not_the_initial_ones():
    norms = [m for m in ready("cnn-small", "vector").modules() if isinstance(m, torch.nn.BatchNorm2d)]

    assert len(norms) == 2
    assert all(norm.running_mean.abs().max() > 0.01 and (norm.running_var - 1).abs().max() > 0.1 for norm in norms)


@pytest.mark.parametrize(
    ("encoder", "connector"), [("cnn-small", "vector"), ("vit-bag", "cross-attention"), ("cnn-small", "resampler")]
)
def test_swapping_far_things_changes_nothing(encoder, connector):
    scenes = far_scenes(COUNT, seed=1)

    assert (draw_scenes(scenes) != draw_scenes(scenes.swapped())).flatten(1).any(dim=1).all()
    assert moved_by_swapping(ready(encoder, connector), scenes).max() <= 1e-12


@pytest.mark.parametrize("connector", [name for name in MATRIX_CONNECTORS if name != "attention-pool"])
def test_a_bag_of_patches_holds_for_near_things_too(connector):
    assert moved_by_swapping(ready("vit-bag", connector), near_scenes(COUNT, seed=1)[0]).max() <= 1e-12


def test_near_things_are_seen_together_and_escape_the_theorem():
    assert moved_by_swapping(ready("cnn-small", "vector"), near_scenes(COUNT, seed=1)[0]).min() > 1e-3


def test_the_things_still_matter():
    model, scenes = ready("cnn-small", "vector"), far_scenes(COUNT, seed=1)
    with torch.no_grad():
        scores = model(draw_scenes(scenes).double(), WORDS[:1].expand(COUNT, -1, -1))

    assert (scores[1:] - scores[:1]).abs().amax(dim=(1, 2, 3)).min() > 1e-3


@pytest.mark.parametrize(
    ("encoder", "connector", "positions"),
    [
        ("cnn-small", "vector", True),  # places are added behind the encoder
        ("cnn-small", "attention-pool", False),  # the pool has places of its own
        ("cnn-large", "vector", False),  # its field holds two things at once
        ("vit", "cross-attention", False),  # places are added inside the encoder
    ],
)
def test_each_condition_is_needed(encoder, connector, positions):
    assert moved_by_swapping(ready(encoder, connector, positions), far_scenes(COUNT, seed=1)).min() > 1e-6


def interior(scenes):
    """Are the two that change places so far inside that no cell which sees them sees padding? (B,)."""
    inside = (scenes.row >= 2) & (scenes.row < scenes.cells - 2)
    inside &= (scenes.column >= 2) & (scenes.column < scenes.cells - 2)
    return inside[:, :2].all(axis=1)


def test_zero_padding_leaks_places_at_the_border_and_nowhere_else():
    scenes = far_scenes(4000, seed=1, cells=8)
    inside, border = (scenes.take(np.flatnonzero(which)[:COUNT]) for which in (interior(scenes), ~interior(scenes)))
    zeros, circular = ready("cnn-small-zeros", "vector"), ready("cnn-small", "vector")

    assert len(inside) == COUNT
    assert moved_by_swapping(zeros, inside).max() <= 1e-12
    assert moved_by_swapping(zeros, border).max() > 1e-4
    assert moved_by_swapping(circular, border).max() <= 1e-12


def test_on_the_board_that_is_trained_on_zero_padding_leaks_in_every_far_scene():
    assert moved_by_swapping(ready("cnn-small-zeros", "vector"), far_scenes(COUNT, seed=1)).min() > 1e-6


def test_in_single_precision_the_swap_stays_below_what_an_answer_could_turn_on():
    model = ready("cnn-small", "vector", dtype=torch.float32)

    assert moved_by_swapping(model, far_scenes(COUNT, seed=1)).max() <= 1e-5
