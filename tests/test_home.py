import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import os
{before}
print(os.environ.get('MPLCONFIGDIR'))
{draws}
print(os.environ.get('MPLCONFIGDIR'), os.path.isdir(os.environ.get('MPLCONFIGDIR', '')))
"""
PACKAGE = ASK.format(before="import vlmteach.nn, vlmteach.probes, vlmteach.pictures", draws="import vlmteach.views")
# What vlmteach.views does first, and matplotlib. That views leaves a writable home alone, test_importing says.
HOME = ASK.format(
    before="import vlmteach.home", draws="vlmteach.home.lend_matplotlib_a_folder(); import matplotlib.font_manager"
)
FONTS = "Matplotlib is building the font cache; this may take a moment."  # on a slow machine; it is so


def folders_of(environment: dict[str, str], ask: str) -> list[str]:
    """What a process in this environment does with MPLCONFIGDIR: its value before and after the first module that
    draws, and whether the folder is there. It says nothing.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    command = [sys.executable, "-c", ask]
    done = subprocess.run(command, env=inherited | environment, capture_output=True, check=True, text=True)
    assert done.stderr.replace(FONTS, "").strip() == ""
    return done.stdout.split()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not ask HOME")
def test_a_home_that_cannot_be_written_gets_a_folder_for_as_long_as_something_may_draw(tmp_path) -> None:
    before, folder, there = folders_of({"HOME": str(tmp_path / "no such folder"), "TMPDIR": str(tmp_path)}, PACKAGE)
    assert before == "None"  # what draws nothing needs no folder
    assert Path(folder).parent == tmp_path
    assert Path(folder).name.startswith("vlmteach-matplotlib-")
    assert there == "True"
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_can_be_written_is_left_alone(tmp_path) -> None:
    assert folders_of({"HOME": str(tmp_path)}, HOME)[:2] == ["None", "None"]


def test_a_folder_of_ones_own_is_left_alone(tmp_path) -> None:
    mine = str(tmp_path / "mine")
    assert folders_of({"HOME": str(tmp_path / "no such folder"), "MPLCONFIGDIR": mine}, HOME)[:2] == [mine, mine]
