"""The packages with trained weights, for tests that need the real ones."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from vlmteach.backbones.wheels import Wheel

MISSED = Path(sys.prefix) / "wheels-missed"  # left by make where it could not install them


def require_installed(wheel: Wheel) -> None:
    """Go on, where the package is installed. Only where make could not install it, and never in CI, skip instead."""
    try:
        version(wheel.package)
    except PackageNotFoundError:
        if MISSED.exists() and "CI" not in os.environ:
            pytest.skip(f"make could not install {wheel.package}, as {MISSED} says; there was no network")
        pytest.fail(f"{wheel.package} is not installed: {wheel.pip_line}", pytrace=False)
