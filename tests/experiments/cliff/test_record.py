import numpy as np
import pytest
import torch

from vlmteach.experiments.cliff import __main__ as command
from vlmteach.experiments.cliff import load_results
from vlmteach.experiments.cliff import record as recording
from vlmteach.experiments.cliff.encoders import build_model
from vlmteach.experiments.cliff.record import FIRST, Case, Recorder, all_cases, run_case
from vlmteach.experiments.cliff.train import GradedLoss, training_pictures
from vlmteach.training import Recipe, fit, load_checkpoint, one_thread

SHORT = Recipe(steps=20, warmup=5)
CASES = [Case(name, 0, SHORT, 8, 1) for name in ("cnn-1", "cnn-1-mean-read")]


def finished_in(recorder, case):
    return recorder.runs.finished(case.name, case.as_json())


@pytest.fixture(scope="module")
def results():
    return [run_case(case) for case in CASES]


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(recording, "all_cases", lambda: CASES)


@pytest.mark.parametrize(("name", "seed"), [("cnn-1", 0), ("vit-1", 2)])
def test_a_recorded_run_starts_the_same_way_today(name, seed):
    """The code has not drifted from what made the record: twenty steps of it land on the recorded loss."""
    recorded = load_results().record
    run = next(run for run in recorded["runs"] if (run["encoder"], run["seed"]) == (name, seed))
    model = build_model(name, seed)
    batch = training_pictures(seed, recorded["batch"])
    with one_thread():
        trained = fit(model, batch, GradedLoss(), Recipe(**recorded["recipe"]), until=FIRST, progress=False)

    assert trained.losses[-1] == pytest.approx(run["first_loss"], abs=1e-3)


def test_the_command_records_the_cases_of_the_record():
    recorded = load_results().record
    runs = [(run["encoder"], run["seed"]) for run in recorded["runs"]]

    assert [(case.encoder, case.seed) for case in all_cases()] == runs
    assert all(Recipe(**recorded["recipe"]) == case.recipe for case in all_cases())


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

    monkeypatch.setattr(GradedLoss, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        run_case(CASES[0])


def test_a_finished_run_is_found_again(tmp_path, results):
    Recorder(tmp_path).runs.keep(CASES[0].name, CASES[0].as_json(), results[0])
    found = finished_in(Recorder(tmp_path), CASES[0])

    assert found.run == results[0].run
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in results[0].weights.items())


def test_a_run_of_another_recipe_is_made_again(tmp_path, results):
    Recorder(tmp_path).runs.keep(CASES[0].name, CASES[0].as_json(), results[0])

    assert finished_in(Recorder(tmp_path), CASES[0]._replace(batch=16)) is None
    assert finished_in(Recorder(tmp_path), CASES[0]._replace(recipe=Recipe(steps=40))) is None


def test_a_record_is_put_together_from_finished_runs(tmp_path, results):
    recorder = Recorder(tmp_path / "runs")
    for case, result in zip(CASES, results, strict=True):
        recorder.runs.keep(case.name, case.as_json(), result)
    written = recorder.assemble(CASES, tmp_path, tmp_path / "checkpoints")

    assert load_results(tmp_path).record == written.record
    assert written.names == ["cnn-1", "cnn-1-mean-read"]
    assert written.field("cnn-1") == (-8, -8, 16, 16)
    assert written.field("cnn-1-mean-read") is None
    assert list(written.record["checkpoints"]) == ["cnn-1"]
    shipped = written.record["checkpoints"]["cnn-1"]
    checkpoint = load_checkpoint(tmp_path / "checkpoints" / shipped["file"], sha256=shipped["sha256"])
    assert checkpoint.tensors.keys() == results[0].weights.keys()


def test_a_record_with_a_run_missing_is_not_written(tmp_path, results):
    recorder = Recorder(tmp_path / "runs")
    recorder.runs.keep(CASES[0].name, CASES[0].as_json(), results[0])

    with pytest.raises(ValueError, match=r"these runs are not finished: cnn-1-mean-read-0\. Run the command again"):
        recorder.assemble(CASES, tmp_path, tmp_path)
    assert not (tmp_path / "cliff.json").exists()


def test_the_command_goes_on_where_it_was_stopped_and_prints_the_table(tmp_path, short, results, monkeypatch, capsys):
    Recorder(tmp_path / "runs").runs.keep(CASES[0].name, CASES[0].as_json(), results[0])
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
