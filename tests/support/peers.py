"""Versions of libraries that tests compare with."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version

# Pictures and grids that are not square: until 1.0.31 timm resized some otherwise and refused others in its pool.
TIMM_TAKES_OBLONG = pytest.mark.skipif(
    Version(version("timm")) < Version("1.0.31"), reason=f"timm {version('timm')} is not right for what is not square"
)
