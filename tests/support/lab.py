"""JupyterLab for tests: a server with throw-away settings, and a page that runs a notebook."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

SETTINGS = {  # no news, no update check, no autosave, and every cell rendered, also those off screen
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
ERRORS = ", ".join(
    [
        '[data-mime-type="application/vnd.jupyter.error"]',
        '.jp-OutputArea-output:has-text("Error displaying widget")',
        '.jp-OutputArea-output:has-text("Failed to load model class")',
    ]
)
ALL_RUN = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent.trim());
    return prompts.length > 0 && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
}"""
# Run All before the kernel is connected is silently dropped
IDLE = "() => /\\|\\s*Idle/.test((document.querySelector('#jp-main-statusbar') || document.body).innerText)"


@contextlib.contextmanager
def jupyterlab(root: Path, scratch: Path) -> Iterator[str]:
    """JupyterLab serving `root`, its settings under `scratch`; yields the address that opens a notebook by name."""
    for name, value in SETTINGS.items():
        path = scratch / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), "utf-8")
    folders = {"SETTINGS": "settings", "WORKSPACES": "workspaces"}
    environment = {
        **os.environ,
        **{f"JUPYTERLAB_{name}_DIR": str(scratch / folder) for name, folder in folders.items()},
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}", "--LabApp.news_url=None"]
    with (scratch / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/api/status?token={token}", server, scratch / "lab.log")
        yield f"http://127.0.0.1:{port}/doc/tree/{{name}}?token={token}&reset"
    finally:
        server.terminate()
        server.wait(timeout=20)


def run_all(page: Page, address: str, seconds: float) -> None:
    """Open a notebook, choose Run All, wait until every cell has a number; `seconds` is only a bound for a hang."""
    page.goto(address, timeout=90_000)
    page.locator(".jp-Notebook").wait_for(timeout=90_000)
    page.wait_for_function(IDLE, timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_RUN, timeout=seconds * 1000)


def errors(page: Page) -> list[str]:
    """What went wrong as a person would see it: error outputs and widgets that did not load."""
    return page.locator(ERRORS).all_inner_texts()


def _wait_until_up(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab stopped: {log.read_text('utf-8')[-2000:]}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(address, timeout=2).close()
            return
        time.sleep(0.1)
    raise TimeoutError("JupyterLab did not answer within a minute.")
