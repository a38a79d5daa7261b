"""JupyterLab for tests: a server with throw-away settings, and pages that run notebooks."""

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
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

SETTINGS = {  # no news, no update check, no autosave, and every cell rendered, also those off screen
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
ERROR = '[data-mime-type="application/vnd.jupyter.stderr"]'  # what a cell raises is shown as such, too
ERRORS = ", ".join(
    [
        ERROR,
        '.jp-OutputArea-output:has-text("Error displaying widget")',
        '.jp-OutputArea-output:has-text("Failed to load model class")',
    ]
)
ALL_RUN = """(error) => {
    if (document.querySelector(error)) return true;  // the cells behind it will not run
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent.trim());
    return prompts.length > 0 && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
}"""
# Run All before the kernel is connected is silently dropped
IDLE = "() => /\\|\\s*Idle/.test((document.querySelector('#jp-main-statusbar') || document.body).innerText)"


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that serves the notebooks of a folder."""

    folder: Path
    address: str
    token: str

    def page_of(self, name: str) -> str:
        """The address that opens a notebook by its name."""
        return f"{self.address}/doc/tree/{name}?token={self.token}&reset"

    @contextlib.contextmanager
    def ran(self, name: str, browser: Browser, height: int = 1000) -> Iterator[Page]:
        """A page where all cells of a notebook in the folder were run. When it is left: nothing went wrong in it."""
        page = browser.new_page(viewport={"width": 1200, "height": height})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        run_all(page, self.page_of(name), seconds=600)
        yield page
        wrong = [*errors(page), *complaints]
        page.close()
        self._end_kernels(browser)
        assert not wrong, "\n".join(wrong)

    def _end_kernels(self, browser: Browser) -> None:
        """A kernel outlives its page, and keeps a lesson's memory."""
        with browser.new_context(extra_http_headers={"Authorization": f"token {self.token}"}) as context:
            for session in context.request.get(f"{self.address}/api/sessions").json():
                assert context.request.delete(f"{self.address}/api/sessions/{session['id']}").ok


@contextlib.contextmanager
def jupyterlab(scratch: Path) -> Iterator[Lab]:
    """JupyterLab with its settings and an empty folder of notebooks under `scratch`."""
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
    lab = Lab(scratch / "notebooks", f"http://127.0.0.1:{port}", secrets.token_hex(8))
    lab.folder.mkdir()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={lab.token}", f"--ServerApp.root_dir={lab.folder}", "--LabApp.news_url=None"]
    with (scratch / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(f"{lab.address}/api/status?token={lab.token}", server, scratch / "lab.log")
        yield lab
    finally:
        server.terminate()
        server.wait(timeout=20)


def run_all(page: Page, address: str, seconds: float) -> None:
    """Open a notebook, choose Run All, wait until each cell has a number or one raised. seconds: a bound for a hang."""
    page.goto(address, timeout=90_000)
    page.locator(".jp-Notebook").wait_for(timeout=90_000)
    page.wait_for_function(IDLE, timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_RUN, arg=ERROR, timeout=seconds * 1000)


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
