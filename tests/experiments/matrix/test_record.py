from dataclasses import replace

import numpy as np
import pytest
import torch

from vlmteach.experiments.matrix import __main__ as command
from vlmteach.experiments.matrix import load_results
from vlmteach.experiments.matrix import record as recording
from vlmteach.experiments.matrix.models import CONNECTORS, ENCODERS
from vlmteach.experiments.matrix.record import (
    WAYS,
    Case,
    Recorder,
    pilot_cases,
    run_case,
)
from vlmteach.experiments.matrix.train import HELD_OUT, GradedLoss, held_out_questions, training_pictures
from vlmteach.experiments.runs import Result
from vlmteach.pictures.batches import QUESTION_FAMILIES, make_batch
from vlmteach.training import Recipe, load_checkpoint

SHORT = Recipe(steps=20, warmup=5)
CASES = [
    Case("cnn-small", "vector", False, 0, SHORT),
    Case("cnn-large", "cross-attention", True, 0, SHORT),
    Case("cnn-large", "cross-attention", True, 1, SHORT),
]


def make_small(monkeypatch):
    """Everything as it is recorded, with fewer pictures and steps."""
    monkeypatch.setattr(recording, "training_pictures", lambda seed: training_pictures(seed, count=4))
    monkeypatch.setattr(recording, "TESTED", 64)
    monkeypatch.setattr(recording, "WINDOW", 10)
    monkeypatch.setattr(recording, "GUESSING", 400)
    monkeypatch.setattr(recording, "RECIPE", SHORT)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    make_small(monkeypatch)


def made_up(case, loss=1.0):
    """A result without the work."""
    accuracy = [0.5] * 6
    run = {**case._asdict(), "steps": case.recipe.steps, "learning_rate": case.recipe.learning_rate, "loss": [9, loss]}
    return Result({**run, "recipe": None, "accuracy": accuracy}, {"weight": torch.ones(1)})


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        return run_case(CASES[0])


def test_a_run_holds_what_the_record_needs(result):
    run = result.run

    assert {key: run[key] for key in ("encoder", "connector", "positions", "seed", "steps", "learning_rate")} == {
        "encoder": "cnn-small",
        "connector": "vector",
        "positions": False,
        "seed": 0,
        "steps": 20,
        "learning_rate": 2e-3,
    }
    assert len(run["accuracy"]) == len(run["picture_blind"]) == len(run["question_blind"]) == len(QUESTION_FAMILIES)
    assert 0 <= run["held_out"] <= 1
    assert len(run["loss"]) == 2
    assert np.shape(run["learning"]) == (2, 6)
    assert run["steps_to_level"] == [None] * 6
    assert 1 < run["first_loss"] < 4


def test_a_run_is_repeatable(result):
    again = run_case(CASES[0])

    assert {**again.run, "seconds": 0} == {**result.run, "seconds": 0}
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in result.weights.items())


def test_a_run_is_tested_whole_with_either_side_hidden_and_on_pairs_never_seen(monkeypatch):
    asked = []
    monkeypatch.setattr(recording, "right_answers", lambda model, batch: asked.append(batch) or batch.answers > 0)
    recording._test(torch.nn.Identity())
    plain, no_picture, no_question, unseen = asked

    assert not held_out_questions(plain).any()
    assert torch.equal(plain.pictures, make_batch(64, 1_000_000, pairs=~HELD_OUT).pictures)
    assert all(torch.equal(a, b) for a, b in zip(plain[1:], no_picture[1:], strict=True))
    twin = torch.cat([plain.pictures[part] for part in (slice(16, 32), slice(16), slice(48, 64), slice(32, 48))])
    for others in (plain.pictures, twin):  # nobody is shown its own picture, nor its counterfactual
        assert (no_picture.pictures != others).flatten(1).any(dim=1).all()
    assert torch.equal(no_question.pictures, plain.pictures)
    assert torch.equal(no_question.answers, plain.answers)
    assert (no_question.words != plain.words).any(dim=2).double().mean() > 0.5
    assert held_out_questions(unseen).any()


def test_a_stopped_run_is_no_result(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(GradedLoss, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        run_case(CASES[0])


def test_only_what_is_missing_is_made_and_kept_at_once(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(recording, "run_case", lambda case: made.append(case) or made_up(case))
    Recorder(tmp_path).runs.make(recording.run_case, CASES[1:2])
    results = Recorder(tmp_path).runs.make(recording.run_case, CASES)

    assert made == [CASES[1], CASES[0], CASES[2]]
    assert [(r.run["encoder"], r.run["seed"]) for r in results] == [(c.encoder, c.seed) for c in CASES]


def test_a_run_of_another_recipe_or_test_is_made_again(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path)
    recorder.runs.keep(CASES[0].name, CASES[0].as_json(), made_up(CASES[0]))
    longer = CASES[0]._replace(recipe=replace(SHORT, warmup=6))

    assert len(recorder.runs.results(CASES[:1])) == 1
    assert longer.name == CASES[0].name
    with pytest.raises(ValueError, match=r"not finished: cnn-small-vector-bare-20-0\.002-0\. Run the command again"):
        recorder.runs.results([longer])
    monkeypatch.setattr(recording, "TESTED", 128)
    with pytest.raises(ValueError, match="not finished"):
        recorder.runs.results(CASES[:1])


def test_a_record_is_put_together_from_finished_runs(tmp_path, result):
    recorder = Recorder(tmp_path / "runs")
    pilot = CASES[1]._replace(recipe=replace(SHORT, steps=6))
    for case in [pilot, *CASES]:
        recorder.runs.keep(case.name, case.as_json(), result if case == CASES[0] else made_up(case))
    written = recorder.assemble([pilot], CASES[:2], CASES[2:], tmp_path, tmp_path)
    record = written.record

    assert load_results(tmp_path).record == record
    assert record["runs"][0] == result.run
    assert [run["seed"] for run in record["follow_ups"]] == [1]
    assert [run["steps"] for run in record["pilots"]] == [6]
    assert Recipe(**record["recipe"]) == SHORT
    assert list(record["guessing"]) == written.families == list(QUESTION_FAMILIES)
    assert record["guessing"]["near relation"] == 0.5
    assert {"python", "torch", "numpy", "vlmteach"} <= record["versions"].keys()
    assert record["code"] == recorder.runs.code
    assert written.parameters("vit-bag") == sum(p.numel() for p in ENCODERS["vit-bag"].build().parameters())
    assert written.encoder_title("vit") == "ViT"
    assert [written.connector_title(way) for way in WAYS] == [CONNECTORS[way].title for way in WAYS]
    assert list(record["checkpoints"]) == ["cnn-small/vector", "cnn-large/cross-attention"]
    shipped = record["checkpoints"]["cnn-small/vector"]
    checkpoint = load_checkpoint(tmp_path / shipped["file"], sha256=shipped["sha256"])
    assert all(torch.equal(checkpoint.tensors[name], tensor) for name, tensor in result.weights.items())
    assert shipped["positions"] is False


def test_a_record_with_a_run_missing_is_not_written(tmp_path):
    recorder = Recorder(tmp_path / "runs")
    recorder.runs.keep(CASES[0].name, CASES[0].as_json(), made_up(CASES[0]))

    with pytest.raises(ValueError, match=r"finished: cnn-large-cross-attention-20-0\.002-0, cnn-large-.*-1\. Run"):
        recorder.assemble([], CASES, [], tmp_path, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_the_command_makes_pilots_then_the_matrix_and_prints_every_run(tmp_path, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(
        recording, "run_case", lambda case: made.append(case) or made_up(case, case.recipe.learning_rate)
    )
    monkeypatch.setattr(recording, "follow_ups", lambda rates: [CASES[0]._replace(recipe=replace(SHORT, steps=40))])
    assemble = Recorder.assemble
    monkeypatch.setattr(Recorder, "assemble", lambda self, *cases: assemble(self, *cases, tmp_path, tmp_path))
    command.main(["--folder", str(tmp_path / "runs")])
    printed = capsys.readouterr().out.splitlines()

    pilots, rest = made[: len(pilot_cases())], made[len(pilot_cases()) :]
    assert pilots == pilot_cases()
    assert {case.recipe.learning_rate for case in rest[:-1]} == {1e-3}  # the lowest loss of these pilots
    assert len(printed) == 1 + len(rest)
    assert printed[0].endswith("count          where  near relation   far relation       same far")
    assert printed[1].startswith("cnn-small × cross-attention, 20 steps at 0.001, seed 0   ")
    assert printed[1].split()[-6:] == ["0.50"] * 6
    assert printed[-1].startswith("cnn-small × vector, no positions, 40 steps at 0.002, seed 0")
    assert load_results(tmp_path).record["pilots"][2]["learning_rate"] == 4e-3
