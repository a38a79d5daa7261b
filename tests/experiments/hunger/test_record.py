import numpy as np
import pytest
import torch

from vlmteach.experiments.hunger import __main__ as command
from vlmteach.experiments.hunger import load_results
from vlmteach.experiments.hunger import record as recording
from vlmteach.experiments.hunger import run as making
from vlmteach.experiments.hunger.record import COMPARED, EXPERIMENT, SIZES, all_cases, case_of
from vlmteach.experiments.hunger.run import CONNECTOR, Case, fixed_pictures
from vlmteach.experiments.matrix.train import BATCH, HELD_OUT, AnswerLoss, held_out_questions
from vlmteach.experiments.recording import write_results
from vlmteach.experiments.result import Result
from vlmteach.training import Recipe

RATES = dict.fromkeys(COMPARED, 2e-3)
SHORT = Recipe(steps=20, warmup=5)


def digest(batch):
    return hash(batch.pictures.numpy().tobytes())


@pytest.mark.parametrize("batches", [1, 3])
def test_a_set_is_gone_through_once_before_it_comes_again(batches):
    pictures = fixed_pictures(0, batches * BATCH)
    rounds = [[digest(pictures(step)) for step in range(n * batches, (n + 1) * batches)] for n in range(4)]

    assert len(set(rounds[0])) == batches
    assert all(set(again) == set(rounds[0]) for again in rounds)
    assert batches == 1 or len({tuple(again) for again in rounds}) > 1  # in a new order


def test_a_step_depends_on_its_number_alone():
    first, second = fixed_pictures(5, 4 * BATCH), fixed_pictures(5, 4 * BATCH)
    second(0), second(9)

    assert digest(first(6)) == digest(second(6))


def test_a_small_set_is_a_part_of_a_large_one_and_another_seed_is_another_set():
    small, large = ({digest(fixed_pictures(0, n * BATCH)(step)) for step in range(n)} for n in (2, 4))
    other = {digest(fixed_pictures(1, 2 * BATCH)(step)) for step in range(2)}

    assert small < large
    assert not other & large


def test_pairs_that_are_held_out_never_come():
    batch = fixed_pictures(0, BATCH)(0)

    assert HELD_OUT.any()
    assert not held_out_questions(batch).any()


@pytest.mark.parametrize("pictures", [0, 1, BATCH - 1, BATCH + 1])
def test_a_set_that_is_no_whole_number_of_batches_is_refused(pictures):
    with pytest.raises(ValueError, match=f"pictures is {pictures}; expected a multiple of the batch of {BATCH}"):
        fixed_pictures(0, pictures)


def test_every_encoder_meets_every_size_with_as_many_steps():
    cases = all_cases(RATES | {"vit": 1e-3})

    assert {(case.encoder, case.pictures) for case in cases} == {
        (encoder, size) for encoder in COMPARED for size in SIZES
    }
    assert len({case.recipe.steps for case in cases}) == 1
    assert {case.recipe.learning_rate for case in cases if case.encoder == "vit"} == {1e-3}
    assert len({case.name for case in cases}) == len(cases)


def test_a_run_holds_what_the_record_needs(monkeypatch):
    monkeypatch.setattr(making, "TESTED", 8)
    monkeypatch.setattr(making, "WINDOW", 10)
    result = making.run_case(Case("cnn-large", BATCH, 0, SHORT))

    assert (result.run["encoder"], result.run["pictures"]) == ("cnn-large", BATCH)
    assert len(result.run["accuracy"]) == len(result.run["known"]) == 6
    assert len(result.run["loss"]) == 2
    assert result.run["loss"][1] < result.run["loss"][0]
    assert result.weights == {}


def test_a_stopped_run_is_no_result(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(AnswerLoss, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        making.run_case(Case("cnn-large", BATCH, 0, SHORT))


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Recording writes into a folder of its own, counts guesses on few pictures, and makes its runs up."""
    made = []

    def run_case(case):
        made.append(case.name)
        share = case.pictures / SIZES[-1]
        numbers = {
            "accuracy": [round(share, 4)] * 6,
            "known": [1.0] * 6,
            "loss": [1.0],
            "first_loss": 1.0,
            "seconds": 0.1,
        }
        run = {"encoder": case.encoder, "pictures": case.pictures, "seed": case.seed, "learning_rate": 2e-3, **numbers}
        return Result(run, {})

    monkeypatch.setattr(recording, "run_case", run_case)
    monkeypatch.setattr(recording, "make_batch", lambda count, seed, **more: torch.empty(0))
    monkeypatch.setattr(recording, "guess_rate", lambda batch: dict.fromkeys(recording.QUESTION_FAMILIES, 0.25))
    monkeypatch.setattr(
        recording, "write_results", lambda name, content, folder: write_results(name, content, tmp_path)
    )
    return made


def test_a_record_is_read_as_it_was_written_and_recording_goes_on(short, tmp_path):
    results = recording.record(tmp_path / "runs", RATES)
    assert load_results(tmp_path).record == results.record
    assert len(short) == len(COMPARED) * len(SIZES)

    recording.record(tmp_path / "runs", RATES)
    assert len(short) == len(COMPARED) * len(SIZES)  # nothing was made again
    recording.record(tmp_path / "runs", RATES | {"vit": 4e-3})
    assert len(short) == (len(COMPARED) + 1) * len(SIZES)  # only what another rate concerns


def test_the_command_records_at_the_rates_of_the_matrix_and_prints_a_table(short, tmp_path, monkeypatch, capsys):
    pilots = [
        {
            **{"encoder": name, "connector": connector, "positions": True},
            "learning_rate": rate,
            "loss": [1.0, abs(rate - best)],
        }
        for connector, best in (("cross-attention", 2e-3), ("prefix", 1e-3))
        for name in ("cnn-small", "cnn-large", "cnn-attention", "conv-stem-vit", "vit")
        for rate in (1e-3, 2e-3)
    ]
    monkeypatch.setattr(command, "load_results", lambda: type("Matrix", (), {"record": {"pilots": pilots}}))
    command.main(["--folder", str(tmp_path / "runs")])
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 1 + len(COMPARED) * len(SIZES)
    assert "far relation" in lines[0]
    assert lines[1].startswith("CNN, field 7 cells, 256 pictures")
    assert lines[4].endswith("1.00")


@pytest.mark.parametrize(("encoder", "pictures"), [("cnn-large", 256), ("vit", 1024)])
def test_a_recorded_run_starts_the_same_way_today(encoder, pictures):
    """The code has not drifted from what made the record: twenty steps of it land on the recorded loss.

    Noise of 1e-6 in every product moves that loss by 4e-5 here; 5 % more learning rate move it by 0.02, a weight decay
    ten times as strong by 0.001.
    """
    record = load_results().record
    run = next(run for run in record["runs"] if (run["encoder"], run["pictures"]) == (encoder, pictures))

    assert EXPERIMENT.first_loss(case_of(run, record)) == pytest.approx(run["first_loss"], abs=3e-4)


def test_the_record_holds_the_cases_of_the_command():
    record = load_results().record
    runs = {(run["encoder"], run["pictures"]) for run in record["runs"]}

    assert runs == {(case.encoder, case.pictures) for case in all_cases(RATES)}
    assert record["connector"] == CONNECTOR
    assert record["recipe"]["steps"] == recording.SHORT.steps
    assert all(case_of(run, record).recipe.steps == recording.SHORT.steps for run in record["runs"])
    assert np.isfinite([run["accuracy"] for run in record["runs"]]).all()
