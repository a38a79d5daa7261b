"""A sentence for whoever restarts the kernel and goes on in the middle of a lesson.

Names that earlier cells made are gone then, and the next cell that needs one fails with a NameError. As long as the
lesson's first cell has not run in this kernel, this sentence stands below it.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

SENTENCE = (
    "This kernel has not run the lesson's first cell: it was started or restarted after the cells above were run, and "
    "what they made is gone. Choose “Run All Above Selected Cell” (Colab: “Run before”), then run this cell again."
)


def explain_missing_names(shell: Any) -> None:
    """In an IPython shell, say SENTENCE below every NameError, until `lesson_started`."""
    shell.set_custom_exc((NameError,), _explain)


def lesson_started(shell: Any) -> None:
    """From here on a NameError is the student's own, and is shown as always."""
    shell.set_custom_exc((), None)


def running_shell() -> Any:
    """The IPython shell this code runs in, None in a plain script. Does not import IPython."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _explain(
    shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    print(SENTENCE, file=sys.stderr)
