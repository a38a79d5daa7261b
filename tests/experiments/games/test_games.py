"""What every recorded game shares: a run, the choice of a rate, a record from a folder, and intervals."""

import numpy as np
import pytest
import torch
from torch import nn

from vlmteach.experiments.games.record import RATES, Plan, chosen_rate
from vlmteach.experiments.games.results import GameResults
from vlmteach.experiments.games.run import Case, Game, play
from vlmteach.experiments.intervals import Mean, half_interval, mean_share
from vlmteach.pictures import cliff_batch
from vlmteach.training import Recipe


class Pixels(nn.Module):
    """The fewest weights that can be trained: the mean colour of the picture names a colour."""

    def __init__(self):
        super().__init__()
        self.read_out = nn.Linear(3, 6)

    def forward(self, pictures, marker_token):
        return self.read_out(pictures.mean(dim=(2, 3)))


def build(name, seed):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return Pixels()


def two_batches():
    yield cliff_batch(20, seed=(9, 0))
    yield cliff_batch(4, seed=(9, 1))


GAME = Game(build, cliff_batch, two_batches, lambda batch: batch.distance, kinds=8)
SHORT = Recipe(steps=20, warmup=5)


def run_case(case):
    return play(GAME, case)


PLAN = Plan("short", "vlmteach.experiments.games.run", GAME, run_case, {"a": "One", "b": "Two"}, SHORT, 20, 4)


class Fixed(Pixels):
    """Always names one colour."""

    def forward(self, pictures, marker_token):
        return torch.eye(6)[torch.zeros(len(pictures), dtype=torch.long)]


def test_right_answers_are_counted_by_kind():
    colours = torch.cat([batch.colour for batch in two_batches()])
    distances = torch.cat([batch.distance for batch in two_batches()])

    assert GAME.asked().tolist() == torch.bincount(distances, minlength=8).tolist()
    assert GAME.right(Fixed()).tolist() == torch.bincount(distances[colours == 0], minlength=8).tolist()


def test_a_run_is_repeatable_and_holds_what_the_record_needs():
    case = Case("a", 1, SHORT, 4)
    run, again = (run_case(case).run for _ in range(2))

    assert {**run, "seconds": 0} == {**again, "seconds": 0}
    assert (run["encoder"], run["seed"], run["steps"], run["learning_rate"]) == ("a", 1, 20, SHORT.learning_rate)
    assert np.shape(run["accuracy"]) == (1, 7)
    assert len(run["right"]) == 8


def test_a_pilot_is_not_tested():
    assert "right" not in run_case(Case("a", 1, SHORT, 4, tested=False)).run


def test_a_stopped_run_is_no_result():
    def stop(count, seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(Game(build, stop, two_batches, GAME.kind, 8), Case("a", 0, SHORT, 4))


def test_a_record_is_put_together_and_goes_on_where_it_was_stopped(tmp_path):
    record = PLAN.record(tmp_path / "runs", results=tmp_path)
    results = GameResults(record)

    assert (tmp_path / "short.json").is_file()
    assert [(run["encoder"], run["learning_rate"]) for run in record["pilots"]] == [
        (name, rate) for name in "ab" for rate in RATES
    ]
    assert [(run["encoder"], run["seed"]) for run in record["runs"]] == [(name, s) for s in range(3) for name in "ab"]
    assert results.names == ["a", "b"]
    assert results.title("b") == "Two"
    assert results.parameters("a") == 24
    assert results.right("a").sum(axis=1).tolist() == [sum(run["right"]) for run in results.runs("a")]
    made = []
    again = Plan(**{**vars(PLAN), "run_case": lambda case: made.append(case)})
    assert again.record(tmp_path / "runs", results=tmp_path)["runs"] == record["runs"]
    assert made == []


def test_a_record_is_stamped_by_a_tested_run_though_short_ones_stand_beside_it(tmp_path):
    record = PLAN.record(tmp_path / "runs", results=tmp_path)
    stamp = PLAN.experiment().restamp(record, [*record["pilots"], *record["runs"]], "before", "after")

    assert stamp["run"] in {case.name for case in PLAN.cases(record["pilots"])}
    assert (stamp["starts"], stamp["largest_difference"], stamp["largest_difference_of_starts"]) == (2, 0, 0)


def test_the_rate_with_the_lowest_loss_at_the_end_is_chosen():
    losses = {1e-3: [1.0, 0.9], 2e-3: [2.0, 0.5], 4e-3: [0.1, 0.6]}

    assert chosen_rate([{"learning_rate": rate, "loss": loss} for rate, loss in losses.items()]) == 2e-3


def test_an_interval_holds_the_seeds_spread_and_the_pictures_chance():
    same, spread = np.full(3, 0.5), np.array([0.4, 0.5, 0.6])

    assert half_interval(same, np.full(3, 0.01)) == pytest.approx(0.0196)
    assert half_interval(spread, np.zeros(3)) == pytest.approx(4.303 * 0.1 / np.sqrt(3))
    assert half_interval(spread, np.full(3, 0.01)) > half_interval(spread, np.zeros(3))
    with pytest.raises(ValueError, match="there are 2 seeds; expected 3"):
        half_interval(np.ones(2), np.zeros(2))


def test_a_share_of_one_is_not_certain():
    sure = mean_share(np.array([50, 50, 50]), 50)

    assert sure.mean == 1
    assert 0.03 < sure.half < 0.1
    assert str(Mean(0.966, 0.021)) == "0.97 ± 0.02"


def test_shares_are_taken_over_the_chosen_kinds():
    runs = [{"encoder": "a", "seed": seed, "right": [3, 0, 9], "steps_to_level": [20, None]} for seed in range(3)]
    results = GameResults({"encoders": {"a": {"title": "One", "parameters": 1}}, "asked": [4, 5, 10], "runs": runs})

    assert results.share("a", np.array([True, False, True])).mean == pytest.approx(12 / 14)
    assert np.isnan(results.steps_to_level("a")[:, 1]).all()
