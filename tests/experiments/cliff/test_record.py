import numpy as np
import pytest
import torch

from vlmteach.experiments.cliff import __main__ as command
from vlmteach.experiments.cliff import load_results
from vlmteach.experiments.cliff import record as recording
from vlmteach.experiments.cliff.record import EXPERIMENT, Recorder, all_cases, case_of
from vlmteach.experiments.cliff.run import Case, run_case
from vlmteach.experiments.cliff.train import CliffLoss
from vlmteach.training import Recipe, load_checkpoint

SHORT = Recipe(steps=20, warmup=5)
CASES = [Case(name, 0, SHORT, 8, 1) for name in ("cnn-1", "cnn-1-mean-read")]


@pytest.fixture(scope="module")
def results():
    return [run_case(case) for case in CASES]


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(recording, "all_cases", lambda: CASES)


@pytest.mark.parametrize(("name", "seed"), [("cnn-1", 0), ("vit-1", 2)])
def test_a_recorded_run_starts_the_same_way_today(name, seed):
    """The code has not drifted from what made the record: twenty steps of it land on the recorded loss.

    Noise of 1e-6 in every product moves that loss by less than 1e-6 here; 5 % more learning rate move it by 0.001 and
    more, ten steps more of warm-up by 0.003 and more.
    """
    record = load_results().record
    run = next(run for run in record["runs"] if (run["encoder"], run["seed"]) == (name, seed))

    assert EXPERIMENT.first_loss(case_of(run, record)) == pytest.approx(run["first_loss"], abs=3e-4)


def test_the_command_records_the_cases_of_the_record():
    recorded = load_results().record

    assert all_cases() == [case_of(run, recorded) for run in recorded["runs"]]


def test_a_run_holds_what_the_record_needs(results):
    run = results[0].run

    assert (run["encoder"], run["seed"]) == ("cnn-1", 0)
    assert np.shape(run["accuracy"]) == (1, 7)
    assert np.shape(run["right"]) == (15, 15)
    assert len(run["loss"]) == 1
    assert len(run["steps_to_level"]) == 7


def test_a_run_is_repeatable(results):
    again = run_case(CASES[0])

    assert {**again.run, "seconds": 0} == {**results[0].run, "seconds": 0}
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in results[0].weights.items())


def test_a_stopped_run_is_no_result(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(CliffLoss, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        run_case(CASES[0])


def test_a_run_of_another_recipe_is_made_again(tmp_path, results):
    Recorder(tmp_path).runs.keep(CASES[0], results[0])

    assert Recorder(tmp_path).runs.finished(CASES[0]) == results[0].run
    assert Recorder(tmp_path).runs.finished(CASES[0]._replace(batch=16)) is None
    assert Recorder(tmp_path).runs.finished(CASES[0]._replace(recipe=Recipe(steps=40))) is None


def test_a_record_is_put_together_from_finished_runs(tmp_path, results):
    recorder = Recorder(tmp_path / "runs")
    for case, result in zip(CASES, results, strict=True):
        recorder.runs.keep(case, result)
    written = recorder.assemble(CASES, tmp_path, tmp_path / "checkpoints")

    assert load_results(tmp_path).record == written.record
    assert written.record["code"] == recorder.runs.code
    assert written.record["stamps"] == []
    assert written.names == ["cnn-1", "cnn-1-mean-read"]
    assert written.field("cnn-1") == (-8, -8, 16, 16)
    assert written.field("cnn-1-mean-read") is None
    assert list(written.record["checkpoints"]) == ["cnn-1"]
    shipped = written.record["checkpoints"]["cnn-1"]
    checkpoint = load_checkpoint(tmp_path / "checkpoints" / shipped["file"], sha256=shipped["sha256"])
    assert checkpoint.tensors.keys() == results[0].weights.keys()


def test_a_record_with_a_run_missing_is_not_written(tmp_path, results):
    recorder = Recorder(tmp_path / "runs")
    recorder.runs.keep(CASES[0], results[0])

    with pytest.raises(ValueError, match=r"these runs are not finished: cnn-1-mean-read-0\. Run the command again"):
        recorder.assemble(CASES, tmp_path, tmp_path)
    assert not (tmp_path / "cliff.json").exists()


def test_the_command_goes_on_where_it_was_stopped_and_prints_the_table(tmp_path, short, results, monkeypatch, capsys):
    Recorder(tmp_path / "runs").runs.keep(CASES[0], results[0])
    made = []
    monkeypatch.setattr(recording, "run_case", lambda case: made.append(case) or results[CASES.index(case)])
    monkeypatch.setattr(
        Recorder, "assemble", lambda self, cases, assemble=Recorder.assemble: assemble(self, cases, tmp_path, tmp_path)
    )
    command.main(["--folder", str(tmp_path / "runs")])
    printed = capsys.readouterr().out.splitlines()

    assert made == [CASES[1]]
    assert printed[1].startswith("CNN, 1 block  ")
    assert printed[2].startswith("CNN, 1 block, mean read out")
    assert load_results(tmp_path).names == ["cnn-1", "cnn-1-mean-read"]
