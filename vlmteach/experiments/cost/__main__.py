"""`python -m vlmteach.experiments.cost`: measure what pictures cost and write it down. It takes seconds."""

from __future__ import annotations

import argparse

from vlmteach.experiments.cost.record import record, restamp
from vlmteach.experiments.cost.results import CostResults


def main(arguments: list[str] | None = None) -> None:
    """Measure, write the record into the package, and print it."""
    parser = argparse.ArgumentParser(prog="python -m vlmteach.experiments.cost", description=__doc__)
    parser.add_argument(
        "--restamp", action="store_true", help="record nothing: see whether the code of today counts the same"
    )
    if parser.parse_args(arguments).restamp:
        restamp()
    else:
        print(table(record()))


def table(results: CostResults) -> str:
    """One line for each measurement."""
    lines = [f"{'':16}{'side':>6}{'tokens':>8}{'MFLOPs':>10}{'ms':>9}{'MiB':>8}"]
    for run in [*results.record["encoder_runs"], *results.record["connector_runs"]]:
        name = run.get("encoder") or run.get("connector")
        numbers = f"{run['flops'] / 1e6:10.1f}{run['milliseconds']:9.2f}{run['bytes'] / 2**20:8.2f}"
        lines.append(f"{name:16}{run['side']:6}{run['tokens']:8}{numbers}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
