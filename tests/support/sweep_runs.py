"""Runs of a sweep that workers in other processes can import, with a note for every time one begins."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from support.killed import end_as_if_killed


class Case(NamedTuple):
    """A run to make.

    notes: a folder. kills: how often the run takes its worker with it, the way a machine without memory does.
    after: notes that must be there before it goes on: begun-0-1 is the second beginning of case 0, kept-0 its end.
    """

    number: int
    notes: Path
    kills: int = 0
    after: tuple[str, ...] = ()


def begun(case: Case) -> int:
    """How often this run began."""
    return len(list(case.notes.glob(f"begun-{case.number}-*")))


def note_kept(case: Case) -> None:
    """What keep does in these tests, beside keeping."""
    (case.notes / f"kept-{case.number}").touch()


def square(case: Case) -> int:
    """The square of its number. Thirteen raises RuntimeError."""
    (case.notes / f"begun-{case.number}-{begun(case)}").touch()
    while not all((case.notes / note).exists() for note in case.after):
        time.sleep(0.05)
    if begun(case) <= case.kills:
        time.sleep(0.3)  # until the scheduler has heard that what was kept is no longer needed
        end_as_if_killed()
    if case.number == 13:
        raise RuntimeError("thirteen brings bad luck")
    return case.number**2
