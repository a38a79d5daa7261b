"""A sentence for whoever restarts the kernel and goes on in the middle of a lesson.

Names that earlier cells made are gone then, and the next cell that needs one fails with a NameError. In a lesson, as
long as its first cell has not run in this kernel, this sentence stands below it; anywhere else nothing is changed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

from vlmteach.language import N_, _

SENTENCE = N_(
    "This kernel has not run the lesson's first cell: it was started or restarted after the cells above were run, and "
    "what they made is gone. Choose “Run All Above Selected Cell” (Colab: “Run before”), then run this cell again."
)

# shell: (the handler set here, the errors and the handler there were before)
_set: WeakKeyDictionary[Any, tuple[Any, tuple[Any, Any]]] = WeakKeyDictionary()


def explain_missing_names() -> None:
    """In the notebook of a lesson, say SENTENCE below every NameError until `lesson_started`; elsewhere do nothing."""
    shell = running_shell()
    if shell is None or shell in _set or not (_calls_start(shell) or _was_started()):
        return
    errors, handler = before = shell.custom_exceptions, shell.CustomTB

    def explain(
        shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
    ) -> Any:
        if isinstance(error, errors):  # somebody else's handler has its say as before
            shown = handler(kind, error, trace, tb_offset=tb_offset)
        else:
            shown = shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        if isinstance(error, NameError):
            print(_(SENTENCE), file=sys.stderr)
        return shown

    shell.set_custom_exc((*errors, NameError), explain)
    _set[shell] = shell.CustomTB, before


def lesson_started(shell: Any) -> None:
    """From here on a NameError is the student's own, and is shown as it was before."""
    ours, before = _set.pop(shell, (None, None))
    if before is not None and shell.CustomTB is ours:
        shell.custom_exceptions, shell.CustomTB = before
    if not _calls_start(shell) and (mark := _mark()) is not None:
        with contextlib.suppress(OSError):
            mark.touch()


def running_shell() -> Any:
    """The IPython shell this code runs in, None in a plain script. Does not import IPython."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _calls_start(shell: Any) -> bool:
    """Whether this kernel's notebook is a lesson, one that calls course.start, as far as the front end names it."""
    notebook = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")  # VS Code, Jupyter
    try:
        return b"course.start(" in Path(notebook).read_bytes()
    except (OSError, ValueError):  # no file, or it has another name since
        return False


def _was_started() -> bool:
    """Whether a lesson was started in this kernel before it was restarted."""
    return (mark := _mark()) is not None and mark.exists()


def _mark() -> Path | None:
    """A file that stands for this kernel, restarted or not, where the front end does not name the notebook (Colab)."""
    try:
        connection = sys.modules["ipykernel"].get_connection_file()
    except (KeyError, RuntimeError):  # no Jupyter kernel
        return None
    return Path(tempfile.gettempdir()) / f"vlmteach-lesson-{Path(connection).stem}"
