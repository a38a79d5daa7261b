import json
import platform
from datetime import UTC, datetime, timedelta

import pytest
import torch

from vlmteach.experiments.recording import now, read_results, versions, write_results


def test_results_come_back_as_they_were(tmp_path):
    results = {"recipe": {"steps": 3}, "none": None, "runs": [{"loss": [0.5, 1]}, {"loss": []}], "empty": []}
    path = write_results("some", results, tmp_path)

    assert read_results("some", tmp_path) == results
    assert json.loads(path.read_text()) == results


def test_each_run_has_a_line_of_its_own(tmp_path):
    path = write_results("some", {"a": 1, "runs": [{"seed": 0}, {"seed": 1}]}, tmp_path)

    assert path.read_text().splitlines() == ["{", '"a": 1,', '"runs": [', '{"seed": 0},', '{"seed": 1}', "]", "}"]


def test_nan_is_no_result(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_results("some", {"loss": float("nan")}, tmp_path)


def test_missing_results_name_the_command_that_makes_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Record them with: python -m vlmteach\.experiments\.some"):
        read_results("some", tmp_path)


def test_the_versions_are_those_at_work():
    assert versions()["torch"] == torch.__version__.split("+")[0]
    assert versions()["python"] == platform.python_version()
    assert versions()["cpu"] in {"DEFAULT", "AVX2", "AVX512", "NO AVX", "SVE256", "ZVECTOR", "VSX"}


def test_the_time_is_that_of_the_whole_world():
    assert abs(datetime.fromisoformat(now()) - datetime.now(UTC)) < timedelta(minutes=2)
