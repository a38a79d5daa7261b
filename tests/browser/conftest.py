from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browser import launch_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file."""
    with launch_chromium() as browser:
        yield browser
