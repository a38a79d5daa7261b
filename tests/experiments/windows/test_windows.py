"""The ViTs that are compared, what the record says of them, and that it starts as it did."""

import numpy as np
import pytest
import torch

from vlmteach.experiments.games.record import SEEDS
from vlmteach.experiments.windows import DISTANCE, WINDOWED_ENCODERS, MaskedViT, build_windowed, load_results
from vlmteach.experiments.windows.record import EXPERIMENT, PLAN
from vlmteach.experiments.windows.run import GAME, PER_PAIR, pair
from vlmteach.nn import VisionTransformer
from vlmteach.pictures import cliff_batch

RECORDED = load_results()
CHANCE = 1 / 6


def test_the_encoders_differ_in_nothing_but_their_masks():
    first, *others = (build_windowed(name, seed=3) for name in WINDOWED_ENCODERS)
    for other in others:
        weights = other.state_dict()
        assert all(torch.equal(weights[name], weight) for name, weight in first.state_dict().items())
        assert not torch.equal(other.encoder.masks, first.encoder.masks)


def test_without_a_mask_it_is_the_plain_vit():
    vit = VisionTransformer(64, 8, 48, depth=3, num_heads=4, cls=False).eval()
    pictures = cliff_batch(2, seed=0).pictures
    masked = MaskedViT(vit, WINDOWED_ENCODERS["global"].masks)

    torch.testing.assert_close(masked(pictures).tokens, vit(pictures).tokens)
    assert torch.equal(masked(pictures).boxes, vit(pictures).boxes)


@pytest.mark.parametrize("name", WINDOWED_ENCODERS)
def test_what_counts_as_seen_is_what_the_answer_depends_on(name):
    """Where the mask lets nothing through, another pixel changes no score at all."""
    model = build_windowed(name, seed=0).double().eval()
    picture = cliff_batch(1, seed=0).pictures.double().requires_grad_()
    for marker in (0, 11, 36, 63):
        score = model(picture, torch.tensor([marker])).sum()
        gradient = torch.autograd.grad(score, picture)[0].abs().sum(dim=1)[0]
        reached = gradient.unflatten(1, (8, 8)).unflatten(0, (8, 8)).sum(dim=(1, 3)) > 0
        assert torch.equal(reached.flatten(), WINDOWED_ENCODERS[name].reach[marker])


@pytest.mark.parametrize(
    ("name", "cells"),
    [("neighbours", (16, 49)), ("windows", (16, 16)), ("shifted", (64, 64)), ("one-global", (64, 64))],
)
def test_how_many_cells_a_marker_sees(name, cells):
    seen = WINDOWED_ENCODERS[name].reach.sum(dim=1)

    assert (seen.min(), seen.max()) == cells


def test_a_masked_vit_wants_one_mask_for_each_block():
    vit = VisionTransformer(64, 8, 48, depth=2, num_heads=4, cls=False)
    with pytest.raises(ValueError, match="there are 3 masks for 2 blocks"):
        MaskedViT(vit, WINDOWED_ENCODERS["windows"].masks)


def test_an_unknown_encoder_is_refused_by_those_there_are():
    with pytest.raises(ValueError, match="no encoder 'swin' here; expected one of neighbours, windows, shifted"):
        build_windowed("swin", seed=0)


def test_pairs_of_cells_are_tested_six_times_on_average_and_no_cell_with_itself():
    assert RECORDED.asked.sum() == PER_PAIR * 64 * 63
    assert (RECORDED.asked.reshape(64, 64).diagonal() == 0).all()
    assert (RECORDED.asked.reshape(64, 64)[DISTANCE > 0] > 0).mean() > 0.99  # how often each, is chance
    for distance in range(1, 8):
        assert RECORDED.asked[(distance == DISTANCE).flatten()].sum() >= 1500


def test_a_pair_is_counted_where_its_cells_are():
    batch = cliff_batch(16, seed=0)
    marker, square = np.divmod(pair(batch).numpy(), 64)

    assert np.array_equal(np.stack(np.divmod(marker, 8), axis=1), batch.marker.numpy())
    assert np.array_equal(np.stack(np.divmod(square, 8), axis=1), batch.square.numpy())
    assert np.array_equal(DISTANCE[marker, square], batch.distance.numpy())


def test_every_encoder_was_recorded_with_three_seeds_at_its_best_rate():
    assert [(run["encoder"], run["seed"]) for run in RECORDED.record["runs"]] == [
        (name, seed) for seed in SEEDS for name in WINDOWED_ENCODERS
    ]
    for name in WINDOWED_ENCODERS:
        pilots = [run for run in RECORDED.record["pilots"] if run["encoder"] == name]
        best = min(pilots, key=lambda run: run["loss"][-1])["learning_rate"]
        assert {run["learning_rate"] for run in pilots} == set(RECORDED.record["rates"])
        assert {run["learning_rate"] for run in RECORDED.runs(name)} == {best}


@pytest.mark.parametrize("name", WINDOWED_ENCODERS)
def test_an_encoder_knows_what_its_masks_let_through_and_guesses_the_rest(name):
    within = RECORDED.among(name, seen=True)

    assert within.mean - within.half >= 0.95
    if RECORDED.share_seen(name) < 1:
        beyond = RECORDED.among(name, seen=False)
        assert abs(beyond.mean - CHANCE) <= max(beyond.half, 0.01)


def test_seen_and_not_seen_are_counted_apart():
    seen = RECORDED.seen("windows").flatten()
    right = RECORDED.right("windows")

    assert RECORDED.among("windows", seen=True).mean == pytest.approx(
        right[:, seen].sum() / 3 / RECORDED.asked[seen].sum()
    )
    assert RECORDED.among("windows", seen=False).mean == pytest.approx(
        right[:, ~seen].sum() / 3 / RECORDED.asked[~seen].sum()
    )
    assert RECORDED.share_seen("windows") == pytest.approx(15 / 63)
    with pytest.raises(ValueError, match="all global: the marker sees every cell"):
        RECORDED.among("global", seen=False)


def test_the_board_of_a_marker_holds_its_own_pairs():
    board = RECORDED.board("windows", (5, 6))
    right = sum(np.array(run["right"]).reshape(8, 8, 8, 8)[5, 6] for run in RECORDED.runs("windows"))

    assert np.isnan(board[5, 6])
    assert np.isfinite(board).sum() == 63
    assert board[4, 7] == right[4, 7] / (3 * RECORDED.asked.reshape(8, 8, 8, 8)[5, 6, 4, 7])


def test_accuracy_by_distance_counts_every_test_picture_once():
    right = RECORDED.right("shifted").sum()
    rings = [RECORDED.asked[(distance == DISTANCE).flatten()].sum() for distance in range(1, 8)]

    assert (RECORDED.accuracy_by_distance("shifted") * rings).sum() == pytest.approx(right)


@pytest.mark.parametrize(("name", "seed"), [("neighbours", 0), ("shifted", 2)])
def test_a_recorded_run_starts_the_same_way_today(name, seed):
    """Twenty steps land on the recorded loss: the code has not drifted from what made the record."""
    run = next(run for run in RECORDED.record["runs"] if (run["encoder"], run["seed"]) == (name, seed))

    assert EXPERIMENT.first_loss(EXPERIMENT.case(run, RECORDED.record)) == pytest.approx(run["first_loss"], abs=3e-4)


def test_the_plan_makes_the_cases_of_the_record():
    cases = PLAN.cases(RECORDED.record["pilots"])

    assert [EXPERIMENT.case(run, RECORDED.record) for run in RECORDED.record["runs"]] == cases
    assert [case.recipe.learning_rate for case in PLAN.pilots()] == [
        run["learning_rate"] for run in RECORDED.record["pilots"]
    ]


def test_the_record_describes_the_encoders_of_today():
    for name, encoder in WINDOWED_ENCODERS.items():
        assert RECORDED.title(name) == encoder.title
        assert RECORDED.parameters(name) == sum(weight.numel() for weight in GAME.build(name, 0).parameters())


def test_an_encoder_that_was_not_recorded_is_refused():
    with pytest.raises(ValueError, match="no encoder 'swin' was recorded; expected one of neighbours"):
        RECORDED.runs("swin")
