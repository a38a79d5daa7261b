"""`python -m vlmteach.experiments.frozen`: record what is learned behind frozen, really trained encoders.

It needs the packages with trained weights. What the encoders see is computed once, and kept beside them.
"""

from __future__ import annotations

from dataclasses import asdict

from vlmteach.experiments.command import recording_options
from vlmteach.experiments.frozen.record import EXPERIMENT, Recorder
from vlmteach.experiments.frozen.results import FrozenResults
from vlmteach.experiments.frozen.run import RECIPE
from vlmteach.experiments.restamp import restamp_record, restamp_runs


def main(arguments: list[str] | None = None) -> None:
    """Train what is not trained yet, write the record into the package, and print it."""
    options = recording_options("frozen", __doc__, arguments)
    recorder = Recorder(options.folder, workers=options.workers)
    if options.restamp:
        restamp_record(EXPERIMENT)
        restamp_runs(EXPERIMENT, recorder.runs, {"recipe": asdict(RECIPE)})
    else:
        print(table(recorder.make()))


def table(results: FrozenResults) -> str:
    """Accuracy on new scenes of every run, by family of questions."""
    lines = [f"{'':62}" + "".join(f"{family:>15}" for family in results.families)]
    for run in results.record["runs"]:
        recipe = f"{run['steps']} steps at {run['learning_rate']:.2g}, seed {run['seed']}"
        name = f"{run['encoder']} × {run['connector']}, {recipe}"
        lines.append(f"{name:62}" + "".join(f"{value:15.2f}" for value in run["accuracy"]))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
