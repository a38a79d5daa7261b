"""All recorded experiments against the tree: each holds for the code of today."""

import pytest

from vlmteach.experiments.code import code_of
from vlmteach.experiments.frozen.record import EXPERIMENT as FROZEN
from vlmteach.experiments.matrix.record import EXPERIMENT as MATRIX
from vlmteach.experiments.recording import CHECKPOINTS, read_results
from vlmteach.experiments.runs import as_read
from vlmteach.experiments.stamps import leading_to
from vlmteach.training import load_checkpoint

MODULES = {
    "cliff": "vlmteach.experiments.cliff.run",
    "cost": "vlmteach.experiments.cost.measure",
    "frozen": "vlmteach.experiments.frozen.run",
    "hunger": "vlmteach.experiments.hunger.run",
    "lottery": "vlmteach.experiments.lottery.run",
    "matrix": "vlmteach.experiments.matrix.run",
    "two_squares": "vlmteach.experiments.two_squares.run",
    "windows": "vlmteach.experiments.windows.run",
}


@pytest.mark.parametrize("name", MODULES)
def test_a_record_holds_for_the_code_of_today(name):
    recorded, today = read_results(name)["code"], code_of(MODULES[name])
    changed = sorted(module for module in recorded.keys() | today.keys() if recorded.get(module) != today.get(module))

    assert not changed, f"run: python -m vlmteach.experiments.{name} --restamp"


@pytest.mark.parametrize("name", MODULES)
def test_stamps_lead_from_the_code_that_made_a_record_to_that_of_today(name):
    record = read_results(name)
    stamps = record.get("stamps", [])

    assert leading_to(record["code"], stamps) == stamps
    for stamp in stamps:
        assert stamp["largest_difference"] <= stamp["tolerance"] <= 0.05
        assert {"python", "torch", "numpy"} <= stamp["versions"].keys()


@pytest.mark.parametrize("experiment", [FROZEN, MATRIX], ids=lambda experiment: experiment.name)
def test_shipped_weights_say_which_recorded_run_they_are_of_so_that_a_recording_can_go_on(experiment):
    record = read_results(experiment.name)
    cases = [as_read(experiment.case(run, record).as_json()) for run in record["runs"]]

    for shipped in record["checkpoints"].values():
        about = load_checkpoint(CHECKPOINTS / shipped["file"], shipped["sha256"]).metadata
        assert {name: value for name, value in about.items() if name != "experiment"} in cases
