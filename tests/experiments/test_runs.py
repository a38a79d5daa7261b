import pytest
import torch

from vlmteach.experiments import runs
from vlmteach.experiments.runs import Result, RunFolder

CODE = ("vlmteach.nn.tokens", "vlmteach.training.recipe")
CASE = {"encoder": "cnn", "seed": 0, "recipe": {"steps": 3, "learning_rate": 0.1}}
RESULT = Result(
    {"loss": [0.5, 0.25], "steps_to_level": [None, 20]}, {"weight": torch.arange(3.0), "seen": torch.tensor(7)}
)


def test_a_finished_run_is_found_again_as_it_was(tmp_path):
    RunFolder(tmp_path / "new" / "folder", CODE).keep("some", CASE, RESULT)
    found = RunFolder(tmp_path / "new" / "folder", CODE).finished("some", CASE)

    assert found.run == RESULT.run
    assert found.weights.keys() == RESULT.weights.keys()
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in RESULT.weights.items())


def test_a_run_that_was_not_made_is_not_found(tmp_path):
    folder = RunFolder(tmp_path, CODE)
    folder.keep("some", CASE, RESULT)

    assert folder.finished("other", CASE) is None


@pytest.mark.parametrize(
    "other",
    [
        {**CASE, "seed": 1},
        {**CASE, "recipe": {"steps": 4, "learning_rate": 0.1}},
        {**CASE, "batch": 8},
        {"encoder": "cnn", "seed": 0},
    ],
)
def test_a_run_of_another_case_is_made_again(tmp_path, other):
    folder = RunFolder(tmp_path, CODE)
    folder.keep("some", CASE, RESULT)

    assert folder.finished("some", other) is None


def test_a_run_of_other_code_is_made_again(tmp_path, monkeypatch):
    RunFolder(tmp_path, CODE).keep("some", CASE, RESULT)

    assert RunFolder(tmp_path, CODE[:1]).finished("some", CASE) is None
    monkeypatch.setattr(runs, "code_hashes", lambda modules: dict.fromkeys(modules, "0" * 64))
    assert RunFolder(tmp_path, CODE).finished("some", CASE) is None


def test_a_damaged_run_is_made_again(tmp_path):
    folder = RunFolder(tmp_path, CODE)
    folder.keep("some", CASE, RESULT)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])

    assert folder.finished("some", CASE) is None


def test_a_run_that_is_made_again_takes_the_place_of_the_old_one(tmp_path):
    folder = RunFolder(tmp_path, CODE)
    folder.keep("some", CASE, RESULT)
    folder.keep("some", {**CASE, "seed": 1}, RESULT._replace(run={"loss": []}))

    assert folder.finished("some", CASE) is None
    assert folder.finished("some", {**CASE, "seed": 1}).run == {"loss": []}
