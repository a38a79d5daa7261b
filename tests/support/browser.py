"""Chromium for tests: use the browser that is there, else install one.

As a script it makes sure that there is a browser and prints where: `python tests/support/browser.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

ColorScheme = Literal["light", "dark"]
LOCAL = ("file:", "data:", "blob:", "about:")  # addresses that lead nowhere outside
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # root in a container has no user namespace to sandbox in
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """Path of a Chromium: $CHROMIUM, then one on PATH, then Playwright's own; None when there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"CHROMIUM is {named}, which is no file; set it to a browser or leave it unset.")
        return named
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def install_chromium() -> None:
    """Install Chromium: Playwright's own, else (as root on Debian) the package. RuntimeError when both fail."""
    print("No Chromium here: installing Playwright's own.", flush=True)
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"]).returncode == 0:
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Playwright's own cannot be had: installing Debian's package chromium for the whole machine.", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        packages = ["chromium", "fonts-liberation"]  # and not the printers that Debian recommends beside it
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=True)
        return
    raise RuntimeError(
        "no Chromium was found and none could be installed; install Chromium or Google Chrome, or set CHROMIUM to one."
    )


@contextlib.contextmanager
def launch_chromium() -> Iterator[Browser]:
    """A headless Chromium that asks nothing of the outside. Raises RuntimeError when there is none: never skipped."""
    path = find_chromium()
    if path is None:
        raise RuntimeError("no Chromium on this machine; `python tests/support/browser.py` installs one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class OfflinePages:
    """Pages without network that tests borrow one after another: opening one anew takes longer than most tests.

    What the test before left is still open, so go to another address, not only to another hash of it. `complaints` are
    errors on the console and requests outside.
    """

    def __init__(self, browser: Browser) -> None:
        self.complaints: list[str] = []
        self._browser = browser
        self._free: list[tuple[dict[str, Any], Page]] = []

    @contextlib.contextmanager
    def lend(self) -> Iterator[Callable[..., Page]]:
        """A function that gives a page that nobody else has; at the end: nothing was complained of.

        width: of the page in pixels; all else goes to Browser.new_context.
        """
        lent = []

        def new_page(width: int = 1400, color_scheme: ColorScheme = "light", **options: Any) -> Page:
            size = {"width": width, "height": 900}
            place = next((i for i, (opened, _) in enumerate(self._free) if opened == options), None)
            page = self._open(viewport=size, **options) if place is None else self._free.pop(place)[1]
            lent.append((options, page))
            page.mouse.move(0, 0)
            page.emulate_media(color_scheme=color_scheme)
            page.set_viewport_size(size)
            return page

        yield new_page
        for _, page in lent:
            page.evaluate("0")  # what a page has said before it answers is heard
        self._free += lent
        complaints = self.complaints.copy()
        self.complaints.clear()
        assert complaints == []

    def close(self) -> None:
        for _, page in self._free:
            page.context.close()

    def _open(self, **options: Any) -> Page:
        context = self._browser.new_context(**options)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(LOCAL) else self.complaints.append(asked.url))
        return page


@contextlib.contextmanager
def offline_pages(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Like OfflinePages.lend, of pages that nobody uses before or after."""
    pages = OfflinePages(browser)
    try:
        with pages.lend() as new_page:
            yield new_page
    finally:
        pages.close()


if __name__ == "__main__":
    if find_chromium() is None:
        install_chromium()
    print("browser:", find_chromium())
