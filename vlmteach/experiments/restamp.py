"""Make one recorded run again by the code of today: when its numbers come out as recorded, the record is stamped.

Two things are checked, and written into the stamp. The loss of step 20 of one run of every kind, that is of every model
that was compared: it agrees almost to rounding on every machine. And the final numbers of one whole run: they agree
exactly where the processor rounds as the recording one did, and elsewhere as closely as the run has settled, since
training makes a rounding error grow. So the run is taken that answers best.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from torch import nn
from tqdm.auto import tqdm

from vlmteach.experiments.code import code_of, digest
from vlmteach.experiments.recording import RESULTS, now, read_results, versions, write_results
from vlmteach.experiments.result import Result
from vlmteach.experiments.runs import RunCase, RunFolder
from vlmteach.experiments.stamps import Stamp, largest_difference
from vlmteach.training import Recipe, fit, one_thread

# How far the loss of step 20 may lie from the recorded one. Another processor moved it by up to 0.0012, under the very
# code of the record; 5 % more learning rate move it by 0.02 in most kinds.
START = 5e-3
KINDS_OF_RUNS = ("runs", "pilots", "shorter")  # of a record; the first ones stand for their kind
Run = dict[str, Any]
Record = dict[str, Any]


class TrainingCase(RunCase, Protocol):
    """A run that trains a model."""

    @property
    def recipe(self) -> Recipe:
        """Its recipe."""


Case = TypeVar("Case", bound=TrainingCase)


@dataclass(frozen=True)
class Experiment(Generic[Case]):
    """What has to be known of an experiment to make a recorded run of it again.

    name: of its record. module: the one that makes its runs. case: the case of a recorded run. make: makes it again.
    begin: (model, batch, loss) of a case, for fit. first: the step of `first_loss`. kind: what two runs have in common
    that go through the same code. final: the accuracies that a run ends with; tolerance: how far these may lie off.
    """

    name: str
    module: str
    case: Callable[[Run, Record], Case]
    make: Callable[[Case], Result]
    begin: Callable[[Case], tuple[nn.Module, Callable[[int], Any], Callable[[nn.Module, Any], Any]]]
    first: int
    kind: Callable[[Run], Hashable]
    final: Callable[[Run, Record], list[float]]
    tolerance: float

    def first_loss(self, case: Case) -> float:
        """The loss of step `first`, trained anew."""
        model, batch, loss = self.begin(case)
        with one_thread():
            trained = fit(model, batch, loss, case.recipe, until=self.first, progress=False, device="cpu")
        return trained.losses[-1]

    def restamp(self, record: Record, runs: Sequence[Run], before: str, after: str) -> Stamp:
        """Make the run that answers best again, and the start of one run of every kind.

        record: what the runs stand in. before, after: digests of the code that made them, and of today's.
        Raises ValueError when a number lies further off than is allowed: then the code makes other runs, and the
        experiment must be recorded anew.
        """
        kinds = {self.kind(run): run for run in reversed(runs)}
        starts = []
        for run in tqdm(kinds.values(), desc=f"{self.first} steps of each kind", unit="run"):
            case = self.case(run, record)
            starts.append(abs(self.first_loss(case) - run["first_loss"]))
            _refuse(starts[-1], START, f"the loss of step {self.first} of {case.name}")
        best = max(runs, key=lambda run: (min(self.final(run, record)), -run["seconds"]))
        case = self.case(best, record)
        print(f"the whole run {case.name}, which took {best['seconds']:.0f} s when it was recorded", flush=True)
        made = self.make(case).run
        difference = largest_difference(self.final(best, record), self.final(made, record))
        _refuse(difference, self.tolerance, f"an accuracy of {case.name}")
        return {
            "before": before,
            "after": after,
            "when": now(),
            "versions": versions(),
            "run": case.name,
            "largest_difference": round(difference, 4),
            "tolerance": self.tolerance,
            "largest_difference_of_losses": round(largest_difference(best["loss"], made["loss"]), 4),
            "starts": len(starts),
            "largest_difference_of_starts": max(starts),
        }


def restamp_record(experiment: Experiment[Any], folder: Path = RESULTS) -> None:
    """Stamp the record of an experiment, where code has changed since. Raises ValueError when it makes other runs."""
    record, code = read_results(experiment.name, folder), code_of(experiment.module)
    if record["code"] == code:
        print(f"the record {experiment.name} was made, or stamped, by the code of today")
        return
    runs = [run for kind in KINDS_OF_RUNS for run in record.get(kind, [])]
    stamp = experiment.restamp(record, runs, digest(record["code"]), digest(code))
    write_stamped(experiment.name, record, code, stamp, folder)
    print(_in_words(experiment.name, stamp))


def write_stamped(name: str, record: Record, code: dict[str, str], stamp: Stamp, folder: Path) -> None:
    """Write a record with the code of today and one stamp more."""
    provenance = {"code": code, "stamps": [*record.get("stamps", []), stamp]}
    entries: Record = {}
    for key, value in record.items():
        entries |= provenance if key == "code" else {key: value} if key != "stamps" else {}
    write_results(name, entries, folder)


def restamp_runs(experiment: Experiment[Any], runs: RunFolder, record: Record) -> None:
    """Stamp the finished runs of a folder that were made by other code. record: what the cases of runs need beside."""
    while others := runs.of_other_code():
        before, made = others.popitem()
        stamp = experiment.restamp(record, made, before, digest(runs.code))
        runs.add_stamp(stamp)
        print(_in_words(f"{len(made)} runs in {runs.folder}", stamp))


def _in_words(what: str, stamp: Stamp) -> str:
    return (
        f"stamped: {what}. {stamp['run']} came out as recorded, its accuracies within "
        f"{stamp['largest_difference']:g} (allowed: {stamp['tolerance']:g}); the first steps of {stamp['starts']} runs "
        f"within {stamp['largest_difference_of_starts']:.1g}."
    )


def _refuse(difference: float, tolerance: float, what: str) -> None:
    if not difference <= tolerance:
        raise ValueError(
            f"{what} lies {difference:.2g} from the recorded one, more than {tolerance:g}: the code of today makes "
            "other runs than those of the record. Record the experiment anew."
        )
