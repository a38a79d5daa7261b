"""The readers of the ladder lottery, what the record says of them, and that it starts as it did."""

import numpy as np
import pytest
import torch

from vlmteach.experiments.games.record import SEEDS
from vlmteach.experiments.lottery import READERS, build_reader, guess_by_length, load_results
from vlmteach.experiments.lottery.record import EXPERIMENT, PLAN
from vlmteach.experiments.lottery.run import DRAWN, GAME, PER_LENGTH, learning_batch
from vlmteach.pictures import lottery_batch

RECORDED = load_results()


def test_the_question_asks_about_the_marked_cell():
    batch = lottery_batch(4, seed=0)
    model = build_reader("cnn-1", seed=0).eval()
    with torch.no_grad():
        right, other = model(batch.pictures, batch.marker_token), model(batch.pictures, (batch.marker_token + 1) % 24)

    assert right.shape == (4, 6)
    assert (right - other).abs().amax(dim=1).min() > 1e-4


@pytest.mark.parametrize("name", READERS)
def test_every_cell_of_the_picture_can_reach_the_answer(name):
    """So what a reader does not answer, it has not learned: nothing here is a theorem."""
    batch = lottery_batch(1, seed=1)
    picture = batch.pictures.double().requires_grad_()
    model = build_reader(name, seed=0).double().eval()
    gradient = torch.autograd.grad(model(picture, batch.marker_token).sum(), picture)[0]

    assert gradient.abs().sum(dim=(0, 1)).unflatten(1, (8, 8)).unflatten(0, (3, 8)).sum(dim=(1, 3)).min() > 0


@pytest.fixture(scope="module")
def batch():
    return GAME.draw(40_000, (0, 0))


@pytest.mark.parametrize("length", [1, 3, 7])
def test_the_guess_is_what_the_likeliest_end_gives(length, batch):
    """Counted on pictures: the commonest end of each line, and one in six where the way ends elsewhere."""
    chosen = batch.distance == length
    start, end = batch.marker[chosen, 0], batch.square[chosen, 0]
    likeliest = sum((end[start == line].bincount(minlength=3).max() for line in range(3)), torch.tensor(0))
    share = (likeliest / chosen.sum()).item()

    assert guess_by_length()[length - 1] == pytest.approx(share + (1 - share) / 6, abs=0.03)


def test_short_ways_are_drawn_more_often():
    counts = learning_batch(8800, seed=(0, 0)).distance.bincount(minlength=8)[1:].numpy()

    assert counts == pytest.approx(8800 * np.bincount(DRAWN)[1:] / len(DRAWN), rel=0.15)


def test_every_length_was_tested_alike():
    assert RECORDED.asked.tolist() == GAME.asked().tolist() == [0] + [PER_LENGTH] * 7


def test_every_reader_was_recorded_with_three_seeds_at_its_best_rate():
    assert [(run["encoder"], run["seed"]) for run in RECORDED.record["runs"]] == [
        (name, seed) for seed in SEEDS for name in READERS
    ]
    assert PLAN.cases(RECORDED.record["pilots"]) == [
        EXPERIMENT.case(run, RECORDED.record) for run in RECORDED.record["runs"]
    ]


def test_shares_are_read_by_length():
    right = RECORDED.right("cnn-4")

    assert RECORDED.at("cnn-4", 3).mean == pytest.approx(right[:, 3].sum() / (3 * PER_LENGTH))
    assert RECORDED.accuracy_by_length("cnn-4")[2, 6] == right[2, 7] / PER_LENGTH


@pytest.mark.parametrize(("name", "seed"), [("cnn-4", 0), ("vit-4", 2)])
def test_a_recorded_run_starts_the_same_way_today(name, seed):
    """Twenty steps land on the recorded loss: the code has not drifted from what made the record."""
    run = next(run for run in RECORDED.record["runs"] if (run["encoder"], run["seed"]) == (name, seed))

    assert EXPERIMENT.first_loss(EXPERIMENT.case(run, RECORDED.record)) == pytest.approx(run["first_loss"], abs=3e-4)


def test_the_record_describes_the_readers_of_today():
    for name, reader in READERS.items():
        assert RECORDED.title(name) == reader.title
        assert RECORDED.parameters(name) == sum(weight.numel() for weight in build_reader(name, 0).parameters())


def test_an_unknown_reader_is_refused_by_those_there_are():
    with pytest.raises(ValueError, match="no reader 'swin' here; expected one of cnn-4, cnn-1, vit-4"):
        build_reader("swin", seed=0)
