"""A built lesson in a fresh kernel: nbval runs its cells and compares their outputs with those stored in it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import build_lessons
import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError, get_sanitize_patterns

from vlmteach.course import Lesson

SANITIZE = Path(__file__).resolve().parents[1] / "notebooks" / "nbval_sanitize.cfg"


class StoredLesson:
    """A kernel that runs a stored notebook, and then any further code."""

    def __init__(self, file: IPyNbFile, cells: list[IPyNbCell]) -> None:
        self._file, self._cells = file, cells

    def differences(self) -> list[str]:
        """Run every code cell in order; returns a report of each that raises or shows something else than is stored.

        Under --nbval-lax only of those that raise.
        """
        return [report for cell in self._cells if (report := _report(cell))]

    def run(self, source: str) -> str:
        """Run code as one more cell; returns what it printed and showed as text. Raises NbCellError."""
        options = {"check": False, "check_exception": False, "skip": False}
        cell = IPyNbCell.from_parent(
            self._file, name="further code", cell_num=-1, cell=new_code_cell(source), options=options
        )
        cell.runtest()
        return "\n".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.test_outputs)


def _report(cell: IPyNbCell) -> str | None:
    try:
        cell.runtest()
    except NbCellError as error:
        return f"cell {error.cell_num}: {error}\n{error.source}\n{error.inner_traceback}"
    return None


@contextlib.contextmanager
def stored_lesson(lesson: Lesson, folder: Path, packages: Path, session: pytest.Session) -> Iterator[StoredLesson]:
    """The lesson in an empty folder, with a kernel that finds packages in `packages` before anywhere else.

    A lesson whose source has changed since it was built is run as its source says, and compared with nothing.
    """
    copy = folder / f"{lesson.name}.ipynb"
    if build_lessons.is_stale(lesson):  # tests/notebooks/test_built.py asks for a build
        nbformat.write(build_lessons.read_source(lesson), copy)
    else:
        shutil.copy(build_lessons.NOTEBOOKS / copy.name, copy)
    file = IPyNbFile.from_parent(session, path=copy)
    cells = list(file.collect())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(packages))
        file.setup()
    file.sanitize_patterns.update(get_sanitize_patterns(SANITIZE.read_text("utf-8")))
    try:
        yield StoredLesson(file, cells)
    finally:
        file.teardown()
