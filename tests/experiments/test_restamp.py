"""A record is stamped when a run of it, made again, comes out as recorded; on experiments of a few steps."""

import json
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlmteach.experiments import restamp, runs
from vlmteach.experiments.code import digest
from vlmteach.experiments.recording import read_results, write_results
from vlmteach.experiments.restamp import Experiment, restamp_record, restamp_runs
from vlmteach.experiments.result import Result
from vlmteach.experiments.runs import RunFolder
from vlmteach.training import Recipe, fit

TODAY, BEFORE = {"vlmteach.some": "today"}, {"vlmteach.some": "before", "vlmteach.gone": "before"}
FIRST = 5


class Case(NamedTuple):
    kind: str
    recipe: Recipe

    @property
    def name(self):
        return f"run-{self.kind}"

    def as_json(self):
        return {"kind": self.kind, "steps": self.recipe.steps}


def begin(case):
    torch.manual_seed(0)
    width = {"narrow": 2, "wide": 4}[case.kind]
    return (
        nn.Linear(width, 1),
        lambda step: torch.ones(1, width),
        lambda model, batch: F.mse_loss(model(batch), batch[:, :1]),
    )


def make(case):
    model, batch, loss = begin(case)
    losses = fit(model, batch, loss, case.recipe, progress=False, device="cpu").losses
    run = {"kind": case.kind, "first_loss": losses[FIRST - 1], "loss": losses, "accuracy": [1 - losses[-1]]}
    return Result({**run, "seconds": 0.1}, {})


RECIPE = Recipe(steps=20, learning_rate=0.1, warmup=0)
CASES = [Case("narrow", RECIPE), Case("wide", RECIPE)]
EXPERIMENT = Experiment(
    "some",
    "vlmteach.some",
    case=lambda run, record: Case(run["kind"], Recipe(**record["recipe"])),
    make=make,
    begin=begin,
    first=FIRST,
    kind=lambda run: run["kind"],
    final=lambda run, record: run["accuracy"],
    tolerance=0.01,
)
CONTEXT = {"recipe": {"steps": 20, "learning_rate": 0.1, "warmup": 0}}


@pytest.fixture
def code(monkeypatch):
    """code(hashes): from now on, this is the code of today."""

    def is_now(hashes):
        for module in (runs, restamp):
            monkeypatch.setattr(module, "code_of", lambda name: hashes)

    is_now(TODAY)
    return is_now


@pytest.fixture
def record(tmp_path, code):
    """record(**changes): write a record of two runs by code of before; changes replace what stands in both runs."""

    def written(**changes):
        made = [{**make(case).run, **changes} for case in CASES]
        content = {
            "experiment": "some",
            **CONTEXT,
            "versions": {"torch": "1"},
            "code": BEFORE,
            "title": "x",
            "runs": made,
        }
        return write_results("some", content, tmp_path)

    return written


def test_a_record_whose_run_comes_out_again_holds_for_the_code_of_today(record, tmp_path, capsys):
    before = json.loads(record().read_text())
    restamp_record(EXPERIMENT, tmp_path)
    after = read_results("some", tmp_path)
    (stamp,) = after["stamps"]

    assert after["code"] == TODAY
    assert (stamp["before"], stamp["after"]) == (digest(BEFORE), digest(TODAY))
    assert stamp["run"] in {"run-narrow", "run-wide"}
    assert (stamp["largest_difference"], stamp["largest_difference_of_losses"]) == (0, 0)
    assert (stamp["starts"], stamp["largest_difference_of_starts"]) == (2, 0)
    assert stamp["versions"]["torch"] == torch.__version__.split("+")[0]
    assert {**after, "code": BEFORE, "stamps": 0} == {**before, "stamps": 0}  # nothing else has changed
    assert "within 0 (allowed: 0.01)" in capsys.readouterr().out


def test_a_second_stamp_follows_the_first(record, tmp_path, code):
    record()
    restamp_record(EXPERIMENT, tmp_path)
    code({"vlmteach.some": "tomorrow"})
    restamp_record(EXPERIMENT, tmp_path)
    first, second = read_results("some", tmp_path)["stamps"]

    assert first["after"] == second["before"]


def test_a_record_of_the_code_of_today_is_left_alone(record, tmp_path, code, capsys):
    path = record()
    code(BEFORE)
    text = path.read_text()
    restamp_record(EXPERIMENT, tmp_path)

    assert path.read_text() == text
    assert "by the code of today" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"accuracy": [0.9]}, r"an accuracy of run-narrow lies 0\.\d+ from the recorded one, more than 0\.01"),
        ({"first_loss": 0.9}, r"the loss of step 5 of run-\w+ lies 0\.\d+ from the recorded one"),
    ],
)
def test_a_run_that_comes_out_otherwise_is_no_stamp(record, tmp_path, changes, sentence):
    path = record(**changes)
    text = path.read_text()

    with pytest.raises(ValueError, match=f"{sentence}.*Record the experiment anew"):
        restamp_record(EXPERIMENT, tmp_path)
    assert path.read_text() == text


def test_the_run_that_answers_best_is_made_again_and_of_equal_ones_the_shortest(record, tmp_path):
    path = record(accuracy=[1.0])
    content = json.loads(path.read_text())
    content["runs"][0]["seconds"] = 0.2
    write_results("some", content, tmp_path)
    restamp_record(EXPERIMENT, tmp_path)

    assert read_results("some", tmp_path)["stamps"][0]["run"] == "run-wide"


def test_finished_runs_of_other_code_count_after_a_stamp(tmp_path, code):
    code(BEFORE)
    RunFolder(tmp_path, "vlmteach.some").make(make, CASES)
    code(TODAY)
    folder = RunFolder(tmp_path, "vlmteach.some")
    assert folder.finished(CASES[0]) is None

    restamp_runs(EXPERIMENT, folder, CONTEXT)
    assert folder.finished(CASES[0]) is not None
    assert [stamp["before"] for stamp in folder.stamps] == [digest(BEFORE)]
    restamp_runs(EXPERIMENT, folder, CONTEXT)
    assert len(folder.stamps) == 1
