"""Figures in tests have the look they have in lessons."""

from __future__ import annotations

import matplotlib
import pytest

from vlmteach.views import use_style

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def course_style() -> None:
    use_style()
