"""The command that records a game."""

from __future__ import annotations

from vlmteach.experiments.command import recording_options
from vlmteach.experiments.games.record import Plan
from vlmteach.experiments.restamp import restamp_record, restamp_runs
from vlmteach.experiments.runs import RunFolder


def record_game(plan: Plan, about: str | None, arguments: list[str] | None) -> None:
    """Train what is not trained yet and write the record into the package; or stamp it.

    about: what the command does. arguments: those of the process when None.
    """
    options = recording_options(plan.name, about, arguments)
    if options.restamp:
        restamp_record(plan.experiment())
        restamp_runs(plan.experiment(), RunFolder(options.folder, plan.module), plan.known())
    else:
        plan.record(options.folder, options.workers)
