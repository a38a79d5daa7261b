"""What an exercise rules out: noticed while a student's function runs, by whatever way it is reached."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from torch.overrides import TorchFunctionMode

from vlmteach.course.exercises.exercise import Wrong
from vlmteach.language import N_, _

LIBRARIES = ("vlmteach.nn", "timm", "torchvision", "transformers")  # all that a student of the course has
NEVER = "(?!)"  # a regular expression that is found nowhere


class RuledOut(TorchFunctionMode):
    """While it is on, calls of torch and of some packages are noted; at its end, one that is ruled out raises Wrong.

    sentence: what to say to a student who called one. torch: a regular expression that is found in the names of
    torch's functions that are ruled out. packages: those whose Python functions all are, such as "vlmteach.nn";
    importing one calls nothing. An error of the student's comes first.
    """

    def __init__(self, sentence: str, torch: str = NEVER, packages: Sequence[str] = ()) -> None:
        super().__init__()
        self.sentence, self.torch = sentence, re.compile(torch)
        self.inside = tuple(f"{package}." for package in packages)
        self.called = False

    def __enter__(self) -> RuledOut:
        """Begin to listen."""
        self.called = False
        super().__enter__()
        if self.inside:
            self._profile = sys.getprofile()
            sys.setprofile(self._note_call)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Stop listening. Raises Wrong when something was called that is ruled out and nothing else was raised."""
        if self.inside:
            sys.setprofile(self._profile)
        super().__exit__(kind, error, trace)
        if error is None and self.called:
            raise Wrong(_(self.sentence))

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Note the function's name and call it."""
        self.called |= bool(self.torch.search(getattr(func, "__name__", "")))
        return func(*args, **(kwargs or {}))

    def _note_call(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and f"{frame.f_globals.get('__name__', '')}.".startswith(self.inside):
            self.called = self.called or not _is_importing(frame)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether it runs because a module is being imported, whose top level calls functions too."""
    while frame and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


ITS_OWN = RuledOut(
    N_("You called a function of the course that is there already. Here you write it yourself."),
    packages=["vlmteach.nn"],
)
