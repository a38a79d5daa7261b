"""What tests of every folder share: the course's look for figures, and the installed wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from filelock import FileLock

from vlmteach.views import use_style

ROOT = Path(__file__).resolve().parents[1]

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def course_style() -> None:
    """Figures in tests have the look they have in lessons."""
    use_style()


@pytest.fixture(scope="session")
def wheel_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that holds the installed wheel and nothing else; built once, however many workers there are."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = shared / "wheel"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
            shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # or modules deleted since would come along
            build = ["wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--wheel-dir", str(shared)]
            subprocess.run([*pip, *build], check=True, cwd=shared)
            (wheel,) = shared.glob("vlmteach-*.whl")
            subprocess.run([*pip, "install", "--no-deps", "--target", str(folder), str(wheel)], check=True)
    return folder
