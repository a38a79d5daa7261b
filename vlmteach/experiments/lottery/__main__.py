"""`python -m vlmteach.experiments.lottery`: record the ladder lottery."""

from __future__ import annotations

from vlmteach.experiments.games.command import record_game
from vlmteach.experiments.lottery.record import PLAN


def main(arguments: list[str] | None = None) -> None:
    """Train what is not trained yet, and write the record into the package."""
    record_game(PLAN, __doc__, arguments)


if __name__ == "__main__":
    main()
