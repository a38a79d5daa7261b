"""One Chromium and one JupyterLab for all tests in a browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page
from support.browser import OfflinePages, launch_chromium
from support.lab import Lab, jupyterlab


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def offline(chromium: Browser) -> Iterator[OfflinePages]:
    pages = OfflinePages(chromium)
    yield pages
    pages.close()


@pytest.fixture
def new_page(offline: OfflinePages) -> Iterator[Callable[..., Page]]:
    """A function that gives a page without network; afterwards: no error on the console, no request to the outside."""
    with offline.lend() as new_page:
        yield new_page


@pytest.fixture(scope="session")
def lab(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyterlab(tmp_path_factory.mktemp("lab"), chromium) as lab:
        yield lab
