"""What an exercise rules out: noticed while a student's function runs, by whatever way it is reached."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from torch.overrides import TorchFunctionMode

from vlmteach.course.exercises.exercise import Wrong


class RuledOut(TorchFunctionMode):
    """While it is on, every call of torch and of the course is noted; at its end, one that is ruled out raises Wrong.

    torch: a regular expression that is found in the names of torch's functions that are ruled out. course: the package
    whose functions are, such as "vlmteach.nn", or none. sentence: what to say to a student who called one. An error of
    the student's comes first.
    """

    def __init__(self, torch: str, sentence: str, course: str = "") -> None:
        super().__init__()
        self.torch, self.sentence, self.course = re.compile(torch), sentence, course
        if course:
            importlib.import_module(course)  # so that an import in the student's function calls nothing of it
        self.called = False

    def __enter__(self) -> RuledOut:
        """Begin to listen."""
        self.called = False
        super().__enter__()
        if self.course:
            self._profile = sys.getprofile()
            sys.setprofile(self._note_call)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Stop listening. Raises Wrong when something was called that is ruled out and nothing else was raised."""
        if self.course:
            sys.setprofile(self._profile)
        super().__exit__(kind, error, trace)
        if error is None and self.called:
            raise Wrong(self.sentence)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Note the function's name and call it."""
        self.called |= bool(self.torch.search(getattr(func, "__name__", "")))
        return func(*args, **(kwargs or {}))

    def _note_call(self, frame: FrameType, event: str, argument: object) -> None:
        self.called |= event == "call" and frame.f_globals.get("__name__", "").startswith(self.course)
