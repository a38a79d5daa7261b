"""Run a lesson in a fresh kernel and go on talking to that kernel."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbformat import NotebookNode


class LessonRun:
    """A kernel that runs cells of one notebook in order, and then any further code."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def run(self, source: str) -> str:
        """Run code as one more cell; returns what it printed and showed as text. Raises CellExecutionError."""
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
        return "\n".join(texts)

    @property
    def stderr(self) -> str:
        """All that the cells so far have written to the page as warnings and complaints."""
        shown = (out for cell in self._client.nb.cells for out in cell.outputs)
        return "".join(out.text for out in shown if out.get("name") == "stderr")

    def restart(self) -> None:
        """Restart the kernel, as a student does in the middle of a lesson."""
        run_sync(self._client.km.restart_kernel)(now=True)
        run_sync(self._client.kc.wait_for_ready)(timeout=60)


@contextlib.contextmanager
def kernel(folder: Path, python_path: Path) -> Iterator[LessonRun]:
    """A fresh kernel that works in `folder` and finds packages in `python_path` before anywhere else."""
    with kernel_in(folder, {**os.environ, "PYTHONPATH": str(python_path)}) as run:
        yield run


@contextlib.contextmanager
def kernel_in(
    folder: Path, environment: dict[str, str], preexec_fn: Callable[[], None] | None = None
) -> Iterator[LessonRun]:
    """A fresh kernel that works in `folder`, with this environment and no other; preexec_fn as subprocess has it."""
    name = os.environ.get("LESSON_KERNEL", "python3")  # `make test-colab` names another
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": name, "display_name": name}})
    client = NotebookClient(notebook, timeout=600)
    with client.setup_kernel(cwd=str(folder), env=environment, preexec_fn=preexec_fn):
        yield LessonRun(client)


def tagged(notebook: NotebookNode, prefix: str) -> dict[str, int]:
    """What follows `prefix` in a cell's tag -> the cell's index: tagged(nb, "exercise-") -> {"1.1": 30, …}."""
    return {
        tag.removeprefix(prefix): index
        for index, cell in enumerate(notebook.cells)
        for tag in cell.metadata.get("tags", [])
        if tag.startswith(prefix)
    }
