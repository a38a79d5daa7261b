"""What the course claims about cost, checked on the recorded numbers, and how they are read."""

import pytest

from vlmteach.experiments.cost import CostResults, load_results
from vlmteach.experiments.cost import __main__ as command
from vlmteach.experiments.cost.measure import CONNECTORS, ENCODERS, SIDES, measure_connector, measure_encoder
from vlmteach.experiments.recording import code_hashes

RECORDED = load_results()


def test_everything_was_measured_at_every_side():
    assert [(run["encoder"], run["side"]) for run in RECORDED.record["encoder_runs"]] == [
        (name, side) for name in ENCODERS for side in SIDES
    ]
    assert [(run["connector"], run["side"]) for run in RECORDED.record["connector_runs"]] == [
        (name, side) for name in CONNECTORS for side in SIDES
    ]


@pytest.mark.parametrize("side", SIDES[:3])
def test_what_is_counted_is_the_same_today(side):
    counted = ("tokens", "flops", "bytes")
    for kind, names, again in (("encoder", ENCODERS, measure_encoder), ("connector", CONNECTORS, measure_connector)):
        for name in names:
            recorded = next(r for r in RECORDED.record[f"{kind}_runs"] if (r[kind], r["side"]) == (name, side))
            today = again(name, side)
            assert {key: today[key] for key in counted} == {key: recorded[key] for key in counted}


def test_the_record_was_made_by_the_code_of_today():
    assert RECORDED.record["code"] == code_hashes(command.CODE)


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


def test_the_command_measures_writes_and_prints(tmp_path, monkeypatch):
    quantities = ("tokens", "flops", "milliseconds", "bytes")
    for kind in ("encoder", "connector"):

        def run(name, side, kind=kind):
            return {kind: name, "side": side, **dict.fromkeys(quantities, side)}

        monkeypatch.setattr(command, f"measure_{kind}", run)
    results = command.record(tmp_path)
    lines = command.table(results).splitlines()

    assert load_results(tmp_path).record == results.record
    assert isinstance(results, CostResults)
    assert len(lines) == 1 + (len(ENCODERS) + len(CONNECTORS)) * len(SIDES)
    assert lines[1].split()[:3] == ["cnn", "48", "48"]
    assert results.connector("projector", "bytes")[1].tolist() == list(SIDES)


def test_a_missing_record_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m vlmteach\.experiments\.cost"):
        load_results(tmp_path)
