"""`python -m vlmteach.experiments.cliff`: record the cliff."""

from __future__ import annotations

from vlmteach.experiments.cliff.record import EXPERIMENT, record
from vlmteach.experiments.cliff.results import CliffResults
from vlmteach.experiments.command import recording_options
from vlmteach.experiments.restamp import restamp_record


def main(arguments: list[str] | None = None) -> None:
    """Train what is not trained yet, write the record into the package, and print it."""
    options = recording_options("cliff", __doc__, arguments)
    if options.restamp:
        restamp_record(EXPERIMENT)
    else:
        print(table(record(options.folder, options.workers)))


def table(results: CliffResults) -> str:
    """Accuracy by distance, mean over the seeds, and the worst offset inside and outside the field."""
    lines = [f"{'':30}" + "".join(f"{distance:6}" for distance in range(1, 8)) + "   inside ≥  outside ≤"]
    for name in results.names:
        accuracy = results.accuracy_by_distance(name).mean(axis=0)
        inside, outside = results.worst(name)
        cells = "".join(f"{value:6.2f}" for value in accuracy)
        lines.append(f"{results.title(name):30}{cells}{inside:11.3f}{outside:11.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
