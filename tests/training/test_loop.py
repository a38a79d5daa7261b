import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from support import packed_run
from support.killed import STATUS as KILLED
from torch import nn

from vlmteach.training import CheckpointError, Recipe, fit, load_checkpoint

RECIPE = Recipe(steps=60, learning_rate=0.05, warmup=5)


def make_model(seed=0):
    """Everything that makes repeating hard: dropout, BatchNorm's running statistics, a parameter nobody uses."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
    model.register_parameter("unused", nn.Parameter(torch.zeros(2)))
    return model


def batch(step):
    inputs = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
    return inputs, inputs.sum(dim=1, keepdim=True)


def loss(model, data):
    inputs, targets = data
    return F.mse_loss(model(inputs), targets)


def train(model, recipe=RECIPE, **options):
    return fit(model, batch, loss, recipe, progress=False, **options)


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def stop_after(step):
    def on_step(report):
        if report.step == step:
            raise KeyboardInterrupt

    return on_step


def test_it_learns():
    model, before = make_model(), make_model().eval()
    trained = train(model)

    assert len(trained.losses) == RECIPE.steps
    assert loss(model, batch(1000)) < 0.5 * loss(before, batch(1000))


def test_the_first_step_is_adamw_by_hand():
    model, twin = make_model(), make_model()
    recipe = Recipe(steps=10, learning_rate=0.05, warmup=4, weight_decay=0.1, clip=0.01, seed=3)
    train(model, recipe, until=1)
    torch.manual_seed(3 * 1_000_003)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.05 / 4, weight_decay=0.1)
    loss(twin.train(), batch(0)).backward()
    norm = nn.utils.clip_grad_norm_(twin.parameters(), 0.01)
    optimizer.step()

    assert norm > 0.01
    assert same(model, twin)


def test_adamw_remembers_squared_gradients_as_long_as_beta2_says():
    model, twin = make_model(), make_model()
    recipe = Recipe(steps=10, learning_rate=0.05, warmup=0, decay=0.0, beta2=0.5)
    train(model, recipe, until=3)  # in the first step beta2 makes no difference
    optimizer = torch.optim.AdamW(twin.train().parameters(), lr=0.05, betas=(0.9, 0.5), weight_decay=0.01)
    for step in range(3):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss(twin, batch(step)).backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        optimizer.step()

    assert same(model, twin)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    one, again, other = make_model(), make_model(), make_model()
    first = train(one)
    torch.manual_seed(99)
    second = train(again)
    third = train(other, Recipe(steps=60, learning_rate=0.05, warmup=5, seed=1))

    assert first.losses == second.losses
    assert same(one, again)
    assert first.losses != third.losses


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    model = make_model()
    torch.manual_seed(5)
    train(model, until=3)

    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("stop", [1, 10, 25, 59])
def test_a_run_that_goes_on_reaches_the_same_bits(tmp_path, stop):
    whole, model = make_model(), make_model()
    expected = train(whole)
    train(model, until=stop, checkpoint=tmp_path / "run")
    resumed = make_model(seed=1)  # the weights come from the file
    trained = train(resumed, checkpoint=tmp_path / "run")

    assert trained.losses == expected.losses
    assert same(resumed, whole)


@pytest.mark.parametrize("stop", [3, 20, 47])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, stop):
    whole, model = make_model(), make_model()
    expected = train(whole)
    interrupted = train(model, on_step=stop_after(stop), checkpoint=tmp_path / "run", save_every=10)
    resumed = make_model(seed=1)
    trained = train(resumed, checkpoint=tmp_path / "run")

    assert interrupted.interrupted
    assert len(interrupted.losses) == stop // 10 * 10
    assert not trained.interrupted
    assert trained.losses == expected.losses
    assert same(resumed, whole)


def test_a_finished_run_is_not_trained_again(tmp_path):
    model, again = make_model(), make_model(seed=1)
    expected = train(model, checkpoint=tmp_path / "run")
    steps = []
    trained = train(again, checkpoint=tmp_path / "run", on_step=steps.append)

    assert steps == []
    assert trained.losses == expected.losses
    assert same(again, model)


class OneWeight(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))


def test_an_interruption_keeps_the_best_so_far():
    weights = []
    losses = [3.0] * 10 + [1.0] * 10 + [2.0] * 20

    def with_given_value(model, value):  # the weight moves on every step, whatever the loss says
        weights.append(model.weight.item())
        return model.weight - model.weight.detach() + value

    model = OneWeight()
    trained = fit(model, losses.__getitem__, with_given_value, RECIPE, on_step=stop_after(35), progress=False)

    assert trained.interrupted
    assert trained.losses == pytest.approx(losses[:30])
    assert len(set(weights)) == 35
    assert model.weight.item() == weights[20]  # what the second ten steps, with loss 1, had made


def test_an_interruption_before_the_first_window_leaves_the_model_as_it_was():
    model = make_model()
    train(model, on_step=stop_after(4))

    assert same(model, make_model())


def test_an_interruption_in_the_middle_of_a_step_leaves_nothing_half_done(tmp_path):
    whole, model, calls = make_model(), make_model(), []
    expected = train(whole)

    def interrupting(model, data):
        calls.append(1)
        value = loss(model, data)  # BatchNorm's statistics have moved by now
        if len(calls) == 23:
            raise KeyboardInterrupt
        return value

    fit(model, batch, interrupting, RECIPE, checkpoint=tmp_path / "run", progress=False)
    resumed = make_model(seed=1)
    trained = train(resumed, checkpoint=tmp_path / "run")

    assert trained.losses == expected.losses
    assert same(resumed, whole)


def test_a_run_whose_process_was_killed_goes_on_to_the_same_bits(tmp_path):
    step = random.SystemRandom().randrange(1, packed_run.RECIPE.steps + 1)
    command = [sys.executable, "-m", "support.packed_run", str(tmp_path / "run"), str(step)]
    tests = str(Path(__file__).parents[1])
    killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": tests}, check=False, timeout=300)
    saved = (tmp_path / "run").exists()
    # a checkpoint brings its weights; without one the run begins again
    whole, resumed = packed_run.make_model(), packed_run.make_model(seed=1 if saved else 0)
    expected = packed_run.train(whole)
    trained = packed_run.train(resumed, tmp_path / "run")

    assert killed.returncode == KILLED
    assert saved == (step > 10), f"killed in step {step}"
    assert trained.losses == expected.losses, f"killed in step {step}"
    assert same(resumed, whole), f"killed in step {step}"


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    train(make_model(), until=2, checkpoint=tmp_path / "run")

    with pytest.raises(CheckpointError, match=r"run was made by the recipe .*'steps': 60.*this run has .*'steps': 61"):
        train(make_model(), Recipe(steps=61, learning_rate=0.05, warmup=5), checkpoint=tmp_path / "run")


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    train(make_model(), until=2, checkpoint=tmp_path / "run")

    with pytest.raises(CheckpointError, match="does not fit this Linear"):
        train(nn.Linear(3, 1), checkpoint=tmp_path / "run")


def test_a_damaged_checkpoint_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "run"
    train(make_model(), until=2, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(CheckpointError, match="is not a whole safetensors file"):
        train(make_model(), checkpoint=path)


def test_the_checkpoint_is_written_on_the_way(tmp_path):
    seen = {}

    def look(report):
        if (tmp_path / "run").exists():
            seen[report.step] = len(load_checkpoint(tmp_path / "run").tensors["losses"])

    train(make_model(), until=25, checkpoint=tmp_path / "run", save_every=10, on_step=look)

    assert seen == dict.fromkeys(range(10, 20), 10) | dict.fromkeys(range(20, 25), 20) | {25: 25}


def test_the_callback_hears_of_every_step():
    reports = []
    trained = train(make_model(), until=5, on_step=reports.append)

    assert [report.step for report in reports] == [1, 2, 3, 4, 5]
    assert [report.loss for report in reports] == trained.losses
    assert [report.learning_rate for report in reports] == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05])
    assert all(0 <= report.seconds <= trained.seconds for report in reports)


def test_a_callback_that_evaluates_does_not_disturb_training():
    plain, watched = make_model(), make_model()
    expected = train(plain)
    trained = train(watched, on_step=lambda _: watched.eval()(torch.ones(2, 3)))

    assert trained.losses == expected.losses


def test_the_model_is_left_in_eval_mode():
    model = make_model()
    train(model, until=1)

    assert not model.training


def test_frozen_parameters_stay(tmp_path):
    model = make_model()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    train(model, until=20, checkpoint=tmp_path / "run")
    train(model, until=30, checkpoint=tmp_path / "run")

    assert torch.equal(model[0].weight, before)


class Pair(NamedTuple):
    inputs: torch.Tensor
    names: list


@pytest.mark.parametrize("wrap", [lambda x: (x, "name"), lambda x: [x], lambda x: {"x": x}, lambda x: Pair(x, ["a"])])
def test_data_of_any_shape_reaches_the_loss_as_it_is(wrap):
    data = wrap(torch.ones(2, 3))

    def check(model, given):
        assert type(given) is type(data)
        assert str(given) == str(data)
        return model(torch.ones(2, 3)).mean()

    fit(make_model(), lambda _: data, check, RECIPE, until=1, progress=False)


def test_data_goes_to_the_device_and_the_model_comes_home():
    devices = []

    def remember(model, data):
        devices.append((data[0].device.type, next(model.parameters()).device.type))
        raise KeyboardInterrupt

    model = nn.Linear(3, 1, device="meta")
    with pytest.raises(NotImplementedError, match="meta"):  # meta tensors hold no numbers to move
        fit(model, batch, remember, RECIPE, device="cpu", progress=False)
    model = nn.Linear(3, 1)
    fit(model, batch, remember, RECIPE, device="cpu", progress=False)

    assert devices == [("cpu", "cpu")]
    assert model.weight.device.type == "cpu"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"until": 0}, "until is 0; expected a number of steps from 1 to the recipe's 60"),
        ({"until": 61}, "until is 61"),
        ({"save_every": 0}, "save_every is 0; expected a multiple of 10"),
        ({"save_every": 15}, "save_every is 15; expected a multiple of 10"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        train(make_model(), **options)


def test_a_model_that_cannot_learn_is_refused():
    with pytest.raises(ValueError, match="this Linear has no parameter that requires a gradient"):
        train(nn.Linear(3, 1).requires_grad_(False))


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda model, data: 1.0, "a float"),
        (lambda model, data: model(data[0]), r"a tensor of shape \(16, 1\)"),
        (lambda model, data: loss(model, data).detach(), r"a tensor of shape \(\) without a gradient"),
    ],
)
def test_a_loss_that_is_no_scalar_is_refused(wrong, kind):
    with pytest.raises(ValueError, match=f"the loss is {kind}; expected a scalar tensor"):
        fit(make_model(), batch, wrong, RECIPE, progress=False)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_run(bad):
    with pytest.raises(ArithmeticError, match=f"the loss is {bad} at step 1; the model is lost"):
        fit(make_model(), batch, lambda model, data: loss(model, data) * bad, RECIPE, progress=False)
