import json
from typing import NamedTuple

import pytest
import torch

from vlmteach.experiments import runs
from vlmteach.experiments.code import digest
from vlmteach.experiments.recording import versions
from vlmteach.experiments.result import Result
from vlmteach.experiments.runs import RunFolder
from vlmteach.training import CheckpointError

TODAY, BEFORE = {"vlmteach.some": "today"}, {"vlmteach.some": "before"}


class Case(NamedTuple):
    name: str
    steps: int = 3
    batch: int | None = None

    def as_json(self):
        return {"encoder": "cnn", "recipe": {"steps": self.steps, "rate": 0.1}, "shape": (1, 2), "batch": self.batch}


SOME = Case("some")
RESULT = Result(
    {"loss": [0.5, 0.25], "steps_to_level": [None, 20]}, {"weight": torch.arange(3.0), "seen": torch.tensor(7)}
)


@pytest.fixture
def code(monkeypatch):
    """code(hashes): from now on, this is the code of today."""

    def is_now(hashes):
        monkeypatch.setattr(runs, "code_of", lambda module: hashes)

    is_now(TODAY)
    return is_now


@pytest.fixture
def folder(tmp_path, code):
    """folder(): the folder of runs, opened anew."""
    return lambda: RunFolder(tmp_path / "new" / "folder", "vlmteach.some")


def test_a_finished_run_is_found_again_as_it_was(folder):
    folder().keep(SOME, RESULT)
    weights = folder().weights(SOME)

    assert folder().finished(SOME) == RESULT.run
    assert weights.keys() == RESULT.weights.keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in RESULT.weights.items())


def test_a_run_says_what_it_was_made_by(folder):
    folder().keep(SOME, RESULT)
    stored = json.loads((folder().folder / "some.json").read_text())

    assert stored["case"] == json.loads(json.dumps(SOME.as_json()))
    assert stored["code"] == digest(TODAY)
    assert versions().items() <= stored["made"].items()
    assert stored["made"]["when"].startswith("20")
    assert stored["run"] == RESULT.run


def test_weights_are_kept_where_a_run_has_some(folder):
    folder().keep(SOME, RESULT._replace(weights={}))

    assert [file.name for file in folder().folder.iterdir()] == ["some.json"]
    with pytest.raises(FileNotFoundError):
        folder().weights(SOME)


def test_weights_of_another_case_are_refused(folder):
    folder().keep(SOME, RESULT)

    with pytest.raises(CheckpointError, match="holds the weights of another case"):
        folder().weights(Case("some", steps=4))


def test_a_run_that_was_not_made_is_not_found(folder):
    folder().keep(SOME, RESULT)

    assert folder().finished(Case("other")) is None


@pytest.mark.parametrize("other", [Case("some", steps=4), Case("some", batch=8)])
def test_a_run_of_another_case_is_made_again(folder, other):
    folder().keep(SOME, RESULT)

    assert folder().finished(other) is None


def test_a_run_of_other_code_is_made_again(folder, code):
    folder().keep(SOME, RESULT)
    code(BEFORE)

    assert folder().finished(SOME) is None
    assert folder().of_other_code() == {digest(TODAY): [RESULT.run]}


def test_a_stamp_lets_runs_of_other_code_count(folder, code):
    code(BEFORE)
    folder().keep(SOME, RESULT)
    code(TODAY)
    folder().add_stamp({"before": "another", "after": digest(TODAY)})
    assert folder().finished(SOME) is None

    folder().add_stamp({"before": digest(BEFORE), "after": digest(TODAY)})
    assert folder().finished(SOME) == RESULT.run
    assert folder().of_other_code() == {}
    assert [stamp["before"] for stamp in folder().stamps] == ["another", digest(BEFORE)]


def test_a_stamp_given_to_code_that_came_to_nothing_is_not_told_of_and_not_lost(folder, code):
    code(BEFORE)
    folder().add_stamp({"before": "another", "after": digest(BEFORE)})
    code(TODAY)
    folder().add_stamp({"before": "older", "after": digest(TODAY)})
    assert [stamp["before"] for stamp in folder().stamps] == ["older"]

    code(BEFORE)
    assert [stamp["before"] for stamp in folder().stamps] == ["another"]


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-4], lambda text: "", lambda text: text.replace('"run"', '"ru"')]
)
def test_a_damaged_run_is_made_again(folder, damage):
    folder().keep(SOME, RESULT)
    file = folder().folder / "some.json"
    file.write_text(damage(file.read_text()))

    assert folder().finished(SOME) is None


def test_a_run_that_is_made_again_takes_the_place_of_the_old_one(folder):
    folder().keep(SOME, RESULT)
    folder().keep(Case("some", steps=4), RESULT._replace(run={"loss": []}))

    assert folder().finished(SOME) is None
    assert folder().finished(Case("some", steps=4)) == {"loss": []}


def test_nan_is_no_result(folder):
    with pytest.raises(ValueError, match="JSON compliant"):
        folder().keep(SOME, RESULT._replace(run={"loss": float("nan")}))
    assert folder().finished(SOME) is None


def test_only_what_is_missing_is_made_and_all_come_in_order(folder):
    cases, made = [Case("a"), SOME, Case("z")], []
    folder().keep(SOME, RESULT)

    def run(case):
        made.append(case.name)
        return Result({"name": case.name}, {})

    assert folder().make(run, cases) == [{"name": "a"}, RESULT.run, {"name": "z"}]
    assert made == ["a", "z"]
    assert folder().runs(cases[::-1]) == [{"name": "z"}, RESULT.run, {"name": "a"}]


def test_missing_runs_are_named(folder):
    folder().keep(SOME, RESULT)

    with pytest.raises(ValueError, match=r"these runs are not finished: a, z\. Run the command again"):
        folder().runs([Case("a"), SOME, Case("z")])
