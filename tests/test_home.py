import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import os, vlmteach.views
print(os.environ.get('MPLCONFIGDIR'), os.path.isdir(os.environ.get('MPLCONFIGDIR', '')))
"""


def folder_of(environment: dict[str, str]) -> list[str]:
    """What a process in this environment does with MPLCONFIGDIR: its value, and whether the folder is there."""
    inherited = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, env=inherited | environment, capture_output=True, check=True, text=True)
    return done.stdout.split()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not ask HOME")
def test_a_home_that_cannot_be_written_gets_a_folder_for_as_long_as_the_process_runs(tmp_path) -> None:
    folder, there = folder_of({"HOME": str(tmp_path / "no such folder")})
    assert "vlmteach-matplotlib-" in folder
    assert there == "True"
    assert not Path(folder).exists()


def test_a_home_that_can_be_written_is_left_alone(tmp_path) -> None:
    assert folder_of({"HOME": str(tmp_path)})[0] == "None"


def test_a_folder_of_ones_own_is_left_alone(tmp_path) -> None:
    mine = str(tmp_path / "mine")
    assert folder_of({"HOME": str(tmp_path / "no such folder"), "MPLCONFIGDIR": mine})[0] == mine


@pytest.mark.skipif(os.name == "nt", reason="Windows does not ask HOME")
def test_what_draws_nothing_needs_no_folder(tmp_path) -> None:
    code = "import os, vlmteach.nn, vlmteach.probes, vlmteach.pictures; print('MPLCONFIGDIR' in os.environ)"
    environment = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    environment |= {"HOME": str(tmp_path / "no such folder"), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows does not ask HOME")
def test_matplotlib_then_says_nothing(tmp_path) -> None:
    code = "import vlmteach.views"
    environment = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    environment["HOME"] = str(tmp_path / "no such folder")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True)
    assert done.stderr.replace("Matplotlib is building the font cache; this may take a moment.", "").strip() == ""
