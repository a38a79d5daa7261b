"""What pyproject.toml, constraints.txt, environment.yml and the README say must agree."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from vlmteach.course import LESSONS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "huggingface-hub": "huggingface_hub"}


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_conda_and_pip_ask_for_the_same() -> None:
    lines = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    conda = {line for line in lines if isinstance(line, str)} - {"pip"}
    wanted = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["lab"]]
    expected = {f"{CONDA_NAMES.get(want.name, want.name)}{want.specifier}" for want in wanted}
    assert conda == expected | {f"python{PROJECT['requires-python']}"}


def test_conda_leaves_pip_nothing_but_this_package() -> None:
    *_, last = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    assert last == {
        "pip": ["--editable .[ja]"]
    }  # conda hands these lines to pip as a requirements file: one option a line


def test_binder_gets_the_same_with_a_python_that_repo2docker_can_read() -> None:
    people, binder = (
        yaml.safe_load((ROOT / name).read_text("utf-8")) for name in ("environment.yml", ".binder/environment.yml")
    )
    python, *rest = binder["dependencies"]
    # repo2docker looks for python, "=" and a version; in python>=3.11 it finds none, and takes an older Python
    version = re.fullmatch(r"python=(\d+\.\d+)", python)
    assert version
    assert SpecifierSet(PROJECT["requires-python"]).contains(version[1])
    assert people["dependencies"] == [f"python{PROJECT['requires-python']}", *rest]
    assert {**people, "dependencies": binder["dependencies"]} == binder


def test_the_pinned_set_meets_every_range() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split(";")[0].strip().split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonicalize_name(name): version for name, version in pinned.items()}
    extras = PROJECT["optional-dependencies"]
    for line in PROJECT["dependencies"] + [line for extra in extras.values() for line in extra]:
        want = Requirement(line)
        assert want.specifier.contains(pinned[canonicalize_name(want.name)]), line
    assert (pinned["torch"], pinned["torchvision"]) == ("2.14.1", "0.29.1")


def test_ranges_have_no_upper_end_so_that_colab_keeps_its_versions() -> None:
    for line in PROJECT["dependencies"]:
        assert {part.operator for part in Requirement(line).specifier} == {">="}, line


@pytest.mark.parametrize(
    "name", ["constraints.txt", "environment.yml", ".binder/environment.yml", "Makefile", "README.md", ".ci/run"]
)
def test_no_registry_host_or_machine_path_is_named(name) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert not re.search(
        r"pypi\.org|pythonhosted|download\.pytorch|anaconda\.(org|com)|registry\.npmjs|/root/|/work/", text
    )


def test_the_repositorys_address_stands_in_one_place() -> None:
    address = PROJECT["urls"]["repository"]
    places = [path for path in tracked_files() if path.suffix in {".toml", ".md", ".py", ".yml", ".js"}]
    holders = [path.name for path in places if address.removeprefix("https://") in path.read_text("utf-8")]
    assert holders == ["pyproject.toml"]


def test_the_readme_lists_every_lesson_with_the_time_it_takes() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for lesson in LESSONS:
        link = f"[{lesson.number:02d} · {lesson.title}](notebooks/{lesson.name}.ipynb)"
        row = rf"\| {re.escape(link)} \|.*\| {lesson.minutes} min \| {lesson.seconds} s \|"
        assert re.search(row, text), lesson.name


def test_who_runs_the_tests_can_record() -> None:
    extras = PROJECT["optional-dependencies"]
    assert set(extras["record"]) <= set(extras["test"])
