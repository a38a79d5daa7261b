"""Workflows make what the Makefile has, with versions that pyproject.toml admits. `make lint` checks their form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):(?! export)(?!=)", MAKEFILE, re.MULTILINE))


def jobs() -> Iterator[dict[str, Any]]:
    """Every job of every workflow."""
    for path in WORKFLOWS:
        yield from yaml.safe_load(path.read_text("utf-8"))["jobs"].values()


def filled_in(text: str, matrix: dict[str, Any]) -> list[str]:
    """The text once for every value that a job's matrix has for what it names: "make ${{ matrix.target }}", …."""
    named = re.search(r"\$\{\{ matrix\.([\w.]+) \}\}", text)
    if not named:
        return [text]
    key, _, inner = named[1].partition(".")
    values = [value[inner] if inner else value for value in matrix[key]]
    return [full for value in values for full in filled_in(text.replace(named[0], str(value)), matrix)]


def everywhere(*keys: str) -> list[str]:
    """What the steps of all jobs say under these keys, filled in."""
    said = []
    for job in jobs():
        for step in job["steps"]:
            value = step
            for key in keys:
                value = value.get(key, {})
            if value:
                said += filled_in(value, job.get("strategy", {}).get("matrix", {}))
    return said


def made() -> set[str]:
    """The targets that the workflows make."""
    return {target for line in everywhere("run") for target in re.findall(r"\bmake ([\w-]+)", line)}


def test_every_target_that_a_workflow_makes_is_one_of_the_makefile() -> None:
    assert {"test", "test-faults", "mutate"} <= made()
    assert made() <= TARGETS


def test_no_slow_test_is_forgotten_by_the_workflows() -> None:
    assert {target for target in TARGETS if target.startswith("test")} <= made()


def test_every_target_is_phony_so_that_a_file_of_its_name_cannot_stop_it() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == TARGETS


def test_the_workflows_run_the_oldest_python_and_none_that_is_not_admitted() -> None:
    admitted = SpecifierSet(SETTINGS["project"]["requires-python"])
    (floor,) = (part.version for part in admitted)
    named = {version for text in everywhere("with", "python-version") for version in text.split()}
    assert floor in named
    assert all(admitted.contains(version) for version in named), named
    assert SETTINGS["tool"]["ruff"]["target-version"] == f"py{floor.replace('.', '')}"


def test_colabs_python_is_one_that_the_weekly_run_installs() -> None:
    newest = re.search(r"for version in (\d\.\d+) ", MAKEFILE)
    assert newest
    assert newest[1] in {version for text in everywhere("with", "python-version") for version in text.split()}


@pytest.mark.parametrize("place", ["Makefile", ".github/workflows/tests.yml"])
def test_the_unit_tests_leave_out_every_marked_kind(place: str) -> None:
    kinds = {line.partition(":")[0] for line in SETTINGS["tool"]["pytest"]["ini_options"]["markers"]}
    (left_out,) = re.findall(r'-n auto -m "(not [^"]+)"', (ROOT / place).read_text("utf-8"))
    assert {part.removeprefix("not ") for part in left_out.split(" and ")} == kinds
