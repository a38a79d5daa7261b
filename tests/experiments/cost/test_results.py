"""What the course claims about cost, checked on the recorded numbers, and how they are read."""

from functools import partial

import pytest

from vlmteach.experiments.code import digest
from vlmteach.experiments.cost import CostResults, load_results
from vlmteach.experiments.cost import __main__ as command
from vlmteach.experiments.cost import record as recording
from vlmteach.experiments.cost.measure import (
    MEASURED_CONNECTORS,
    MEASURED_ENCODERS,
    SIDES,
    measure_connector,
    measure_encoder,
)

RECORDED = load_results()
QUANTITIES = ("tokens", "flops", "milliseconds", "bytes")


def test_everything_was_measured_at_every_side():
    assert [(run["encoder"], run["side"]) for run in RECORDED.record["encoder_runs"]] == [
        (name, side) for name in MEASURED_ENCODERS for side in SIDES
    ]
    assert [(run["connector"], run["side"]) for run in RECORDED.record["connector_runs"]] == [
        (name, side) for name in MEASURED_CONNECTORS for side in SIDES
    ]


@pytest.mark.parametrize("side", SIDES[:3])
def test_what_is_counted_is_the_same_today(side):
    counted = ("tokens", "flops", "bytes")
    for kind, names, again in (
        ("encoder", MEASURED_ENCODERS, measure_encoder),
        ("connector", MEASURED_CONNECTORS, measure_connector),
    ):
        for name in names:
            recorded = next(r for r in RECORDED.record[f"{kind}_runs"] if (r[kind], r["side"]) == (name, side))
            today = again(name, side)
            assert {key: today[key] for key in counted} == {key: recorded[key] for key in counted}


def test_a_convolution_grows_with_the_cells_and_attention_faster():
    (_, tokens), (_, cnn), (_, vit) = (
        RECORDED.encoder(*key) for key in (("cnn", "tokens"), ("cnn", "flops"), ("vit", "flops"))
    )

    assert cnn[-1] / cnn[0] == pytest.approx(tokens[-1] / tokens[0])
    assert vit[-1] / vit[0] > 2 * tokens[-1] / tokens[0]


def test_a_resampler_leaves_as_many_tokens_for_every_picture():
    assert set(RECORDED.connector("resampler", "tokens")[1]) == {8}


@pytest.mark.parametrize(("name", "quantity"), [("vgg", "flops"), ("vit", "euros"), ("resampler", "flops")])
def test_what_was_not_recorded_is_refused(name, quantity):
    with pytest.raises(ValueError, match=f"no '{quantity}' of '{name}' was recorded; expected one of tokens, flops"):
        RECORDED.encoder(name, quantity)


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """Measuring takes no time, and records go to a folder of their own."""

    def measured(kind):
        return lambda name, side: {kind: name, "side": side, **dict.fromkeys(QUANTITIES, side)}

    for kind in ("encoder", "connector"):
        monkeypatch.setattr(recording, f"measure_{kind}", measured(kind))
    for name in ("record", "restamp"):
        monkeypatch.setattr(command, name, partial(getattr(recording, name), tmp_path))
    return tmp_path


def test_the_command_measures_writes_and_prints(made_up, capsys):
    command.main([])
    lines = capsys.readouterr().out.splitlines()
    results = load_results(made_up)

    assert isinstance(results, CostResults)
    assert len(lines) == 1 + (len(MEASURED_ENCODERS) + len(MEASURED_CONNECTORS)) * len(SIDES)
    assert lines[1].split()[:3] == ["cnn", "48", "48"]
    assert results.connector("projector", "bytes")[1].tolist() == list(SIDES)


def test_a_record_whose_counts_come_out_again_is_stamped_and_keeps_its_milliseconds(made_up, monkeypatch, capsys):
    command.main([])
    before = load_results(made_up).record
    monkeypatch.setattr(recording, "code_of", lambda module: {"vlmteach.some": "today"})
    slower = recording.measure_encoder
    monkeypatch.setattr(recording, "measure_encoder", lambda name, side: {**slower(name, side), "milliseconds": 0})
    command.main(["--restamp"])
    after = load_results(made_up).record

    assert after["code"] == {"vlmteach.some": "today"}
    assert [(stamp["before"], stamp["after"]) for stamp in after["stamps"]] == [
        (digest(before["code"]), digest(after["code"]))
    ]
    assert after["encoder_runs"] == before["encoder_runs"]
    command.main(["--restamp"])
    assert load_results(made_up).record == after
    assert "by the code of today" in capsys.readouterr().out


def test_another_count_is_no_stamp(made_up, monkeypatch):
    command.main([])
    before = load_results(made_up).record
    monkeypatch.setattr(recording, "code_of", lambda module: {"vlmteach.some": "today"})
    costlier = recording.measure_encoder
    monkeypatch.setattr(recording, "measure_encoder", lambda name, side: {**costlier(name, side), "flops": side + 1})

    with pytest.raises(ValueError, match="Record the cost anew"):
        command.main(["--restamp"])
    assert load_results(made_up).record == before


def test_a_missing_record_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m vlmteach\.experiments\.cost"):
        load_results(tmp_path)
