"""`python -m vlmteach.experiments.hunger`: record data hunger, at the learning rates that the matrix chose."""

from __future__ import annotations

import argparse
from pathlib import Path

from vlmteach.experiments.hunger.record import record
from vlmteach.experiments.hunger.results import HungerResults
from vlmteach.experiments.matrix.record import chosen_rates
from vlmteach.experiments.matrix.results import load_results


def main(arguments: list[str] | None = None) -> None:
    """Train what is not trained yet, write the record into the package, and print it."""
    parser = argparse.ArgumentParser(prog="python -m vlmteach.experiments.hunger", description=__doc__)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("runs/hunger"),
        help="where finished runs are kept; the command goes on from there (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes at a time (default: %(default)s)")
    parser.add_argument("--scheduler", help="address of a Dask scheduler to run on, instead of this machine")
    options = parser.parse_args(arguments)
    rates = chosen_rates(load_results().record["pilots"])
    print(table(record(options.folder, rates, options.workers, options.scheduler)))


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
