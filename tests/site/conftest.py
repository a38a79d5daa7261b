"""The built site, and pages of it opened from disk in Chromium with the network off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import build_site
import pytest
from playwright.sync_api import Browser, Page
from support.browser import launch_chromium, offline_pages


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder that `make site` wrote."""
    if not (build_site.SITE / "index.html").is_file():
        raise FileNotFoundError(
            "there is no site/index.html; run `make site`, which builds the site and then checks it."
        )
    return build_site.SITE


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture
def open_page(chromium: Browser, site: Path) -> Iterator[Callable[..., Page]]:
    """A function that opens a page of the site; afterwards: no complaint on the console, no request to the outside."""
    with offline_pages(chromium) as new_page:

        def open_one(name: str, width: int = 1400, **options) -> Page:
            page = new_page(width, **options)
            page.goto((site / name).as_uri())
            page.wait_for_load_state("load")
            return page

        yield open_one
