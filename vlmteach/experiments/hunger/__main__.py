"""`python -m vlmteach.experiments.hunger`: record data hunger, at the learning rates that the matrix chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlmteach.experiments.command import recording_options
from vlmteach.experiments.hunger.record import COMPARED, EXPERIMENT, record
from vlmteach.experiments.hunger.results import HungerResults
from vlmteach.experiments.hunger.run import CONNECTOR
from vlmteach.experiments.matrix.record import Cell, chosen_rate
from vlmteach.experiments.matrix.results import load_results
from vlmteach.experiments.restamp import restamp_record


def main(arguments: list[str] | None = None) -> None:
    """Train what is not trained yet, write the record into the package, and print it."""
    options = recording_options("hunger", __doc__, arguments)
    if options.restamp:
        restamp_record(EXPERIMENT)
    else:
        print(table(record(options.folder, rates_of(load_results().record["pilots"]), options.workers)))


def rates_of(pilots: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The learning rate of each image encoder. pilots: of the matrix."""
    return {name: chosen_rate(run for run in pilots if Cell.of(run) == Cell(name, CONNECTOR)) for name in COMPARED}


def table(results: HungerResults) -> str:
    """Accuracy on new pictures of every run, by family of questions."""
    lines = [f"{'':48}" + "".join(f"{family:>15}" for family in results.families)]
    for encoder, title in results.encoders.items():
        pictures, new, _ = results.curve(encoder)
        for count, row in zip(pictures, new, strict=True):
            lines.append(f"{f'{title}, {count} pictures':48}" + "".join(f"{value:15.2f}" for value in row))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
