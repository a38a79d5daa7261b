"""What the commands that record an experiment ask for."""

from __future__ import annotations

import argparse
from pathlib import Path


def recording_options(name: str, about: str | None, arguments: list[str] | None) -> argparse.Namespace:
    """folder, workers and restamp, as they were given to `python -m vlmteach.experiments.<name>`.

    about: what the command does. arguments: those of the process when None.
    """
    parser = argparse.ArgumentParser(prog=f"python -m vlmteach.experiments.{name}", description=about)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("runs") / name,
        help="where finished runs are kept; the command goes on from there (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes at a time (default: %(default)s)")
    parser.add_argument(
        "--restamp",
        action="store_true",
        help="record nothing: make one recorded run again, and when its numbers come out as recorded, let the record "
        "hold for the code of today",
    )
    return parser.parse_args(arguments)
