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
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page

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
POLL = 200  # milliseconds between two looks at a page; without it there is one at every frame


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that serves the notebooks of a folder."""

    folder: Path
    address: str
    token: str
    context: BrowserContext
    pages: list[Page] = field(default_factory=list)  # that nobody uses now

    def page_of(self, name: str) -> str:
        """The address that opens a notebook by its name."""
        return f"{self.address}/doc/tree/{name}?token={self.token}&reset"

    @contextlib.contextmanager
    def page(self, height: int = 1000) -> Iterator[Page]:
        """An empty page, kept for the next who asks: in a new one JupyterLab takes twice as long to open."""
        page = self.pages.pop() if self.pages else self.context.new_page()
        page.set_viewport_size({"width": 1200, "height": height})
        yield page
        page.goto("about:blank")
        self.pages.append(page)

    @contextlib.contextmanager
    def ran(self, name: str, height: int = 1000) -> Iterator[Page]:
        """A page where all cells of a notebook in the folder were run. When it is left: nothing went wrong in it."""
        complaints: list[str] = []

        def complain(error: Error) -> None:
            complaints.append(str(error))

        with self.page(height) as page:
            page.on("pageerror", complain)
            run_all(page, self.page_of(name), seconds=600)
            yield page
            wrong = [*errors(page), *complaints]
            page.remove_listener("pageerror", complain)
        self._end_kernels()
        assert not wrong, "\n".join(wrong)

    def _end_kernels(self) -> None:
        """A kernel outlives its page, and keeps a lesson's memory."""
        ask, headers = self.context.request, {"Authorization": f"token {self.token}"}
        for session in ask.get(f"{self.address}/api/sessions", headers=headers).json():
            assert ask.delete(f"{self.address}/api/sessions/{session['id']}", headers=headers).ok


@contextlib.contextmanager
def jupyterlab(scratch: Path, browser: Browser) -> Iterator[Lab]:
    """JupyterLab in this browser, with its settings and an empty folder of notebooks under `scratch`."""
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
    address = f"http://127.0.0.1:{port}"
    lab = Lab(scratch / "notebooks", address, secrets.token_hex(8), browser.new_context())
    lab.folder.mkdir()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={lab.token}", f"--ServerApp.root_dir={lab.folder}", "--LabApp.news_url=None"]
    with (scratch / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(f"{lab.address}/api/status?token={lab.token}", server, scratch / "lab.log")
        yield lab
    finally:
        lab.context.close()
        server.terminate()
        server.wait(timeout=20)


def run_all(page: Page, address: str, seconds: float) -> None:
    """Open a notebook, choose Run All, wait until each cell has a number or one raised. seconds: a bound for a hang."""
    page.goto(address, timeout=90_000)
    page.locator(".jp-Notebook").wait_for(timeout=90_000)
    page.wait_for_function(IDLE, polling=POLL, timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_RUN, arg=ERROR, polling=POLL, timeout=seconds * 1000)


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
