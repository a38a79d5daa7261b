"""Chromium for tests: use the browser that is there, else install one.

As a script it makes sure that there is a browser and prints where: `python tests/support/browser.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

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


if __name__ == "__main__":
    if find_chromium() is None:
        install_chromium()
    print("browser:", find_chromium())
