"""A classroom where everything is against the student at once."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.lesson_run import LessonRun, kernel_in

NO_NETWORK = Path(__file__).resolve().parents[1] / "support" / "no_network"
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # Linux: prctl.h, capability.h


class Classroom:
    """Folders and an environment: no network, HOME read-only, no GPU, one thread, ASCII, and a path with Japanese."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder / "授業 1 ノート"
        self.packages = folder / "パッケージ 一"
        self.home = folder / "home"
        self.network_log = folder / "network.log"
        self.folder.mkdir()
        self.home.mkdir(mode=0o555)
        shutil.copytree(wheel, self.packages)
        # All that a kernel gets. Nothing is inherited: a cache folder that the tester has set would hide a fault.
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join([str(NO_NETWORK), str(self.packages)]),
            "NETWORK_LOG": str(self.network_log),
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            # Python would turn the C locale into UTF-8 by itself, which no other locale gets
            "LC_ALL": "C",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONUTF8": "0",
        }

    def kernel(self) -> AbstractContextManager[LessonRun]:
        """A fresh kernel in this classroom."""
        return kernel_in(self.folder, self.environment, heed_permissions)

    def network_tries(self) -> list[str]:
        """What was tried since the last call."""
        tries = self.network_log.read_text("utf-8").splitlines() if self.network_log.exists() else []
        self.network_log.unlink(missing_ok=True)
        return tries


def heed_permissions() -> None:
    """Root writes into any folder, whatever its mode; on Linux, a child that calls this before exec does not."""
    if sys.platform == "linux" and os.geteuid() == 0:
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
        prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0)


@pytest.fixture
def classroom(tmp_path: Path, wheel_folder: Path) -> Classroom:
    return Classroom(tmp_path, wheel_folder)
