"""What tests of every folder share: the course's look for figures, and the installed wheel."""

from __future__ import annotations

import atexit
import gc
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `--dist loadgroup`: first the lessons one by one, the longest before the others, then whole files."""
    for item in items:
        if not _runs_a_lesson(item):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(ROOT).as_posix()))
    items.sort(key=lambda item: item.callspec.params["lesson"].seconds if _runs_a_lesson(item) else 0, reverse=True)


def pytest_collection_finish() -> None:
    """What was made while collecting stays to the end: the garbage collector need not walk through it each time."""
    gc.freeze()


def _runs_a_lesson(item: pytest.Item) -> bool:
    return item.path == ROOT / "tests/notebooks/test_lessons.py"


LOOK: dict[str, Any] = {}  # matplotlib's settings, when they are the course's


@pytest.fixture(autouse=True)
def course_style() -> None:
    """Figures in tests have the look they have in lessons."""
    # here, because what starts the workers imports this file too and runs no test
    import matplotlib

    from vlmteach.views import use_style

    if not LOOK or not dict.__eq__(matplotlib.rcParams, LOOK):  # to set them takes longer than most tests
        matplotlib.use("agg")
        use_style()
        LOOK.update(dict.items(matplotlib.rcParams))


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A shell; at the very end each would search through all objects there are for what its user left."""
    shell = InteractiveShell()
    yield shell
    atexit.unregister(shell.atexit_operations)


@pytest.fixture(scope="session")
def wheel_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that holds the installed wheel and nothing else; built once, however many workers there are."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = shared / "wheel"
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with FileLock(build / "wheel.lock"):  # which no two runs may share either
        if not folder.exists():
            pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
            shutil.rmtree(build / "lib", ignore_errors=True)  # or modules deleted since would come along
            built = ["wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--wheel-dir", str(shared)]
            subprocess.run([*pip, *built], check=True, cwd=shared)
            (wheel,) = shared.glob("vlmteach-*.whl")
            subprocess.run([*pip, "install", "--no-deps", "--target", str(folder), str(wheel)], check=True)
    return folder
