"""One Chromium and one JupyterLab for all tests in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browser import launch_chromium
from support.lab import Lab, jupyterlab


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyterlab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab
