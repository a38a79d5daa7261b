"""`python -m vlmteach.experiments.matrix`: record the matrix."""

from __future__ import annotations

from dataclasses import asdict

from vlmteach.experiments.command import recording_options
from vlmteach.experiments.matrix.record import EXPERIMENT, Recorder, record
from vlmteach.experiments.matrix.results import MatrixResults
from vlmteach.experiments.matrix.train import RECIPE
from vlmteach.experiments.restamp import restamp_record, restamp_runs


def main(arguments: list[str] | None = None) -> None:
    """Train what is not trained yet, write the record into the package, and print it."""
    options = recording_options("matrix", __doc__, arguments)
    if options.restamp:
        restamp_record(EXPERIMENT)
        restamp_runs(EXPERIMENT, Recorder(options.folder).runs, {"recipe": asdict(RECIPE)})
    else:
        print(table(record(options.folder, options.workers)))


def table(results: MatrixResults) -> str:
    """Accuracy of every run, by family of questions."""
    lines = [f"{'':62}" + "".join(f"{family:>15}" for family in results.families)]
    for run in results.record["runs"]:
        place = "" if run["positions"] else ", no positions"
        recipe = f"{run['steps']} steps at {run['learning_rate']:.2g}, seed {run['seed']}"
        name = f"{run['encoder']} × {run['connector']}{place}, {recipe}"
        lines.append(f"{name:62}" + "".join(f"{value:15.2f}" for value in run["accuracy"]))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
