"""A folder of finished runs: a small JSON file each, found again only for exactly the same case and code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from vlmteach.experiments.code import code_of, digest
from vlmteach.experiments.recording import now, versions
from vlmteach.experiments.result import Result
from vlmteach.experiments.stamps import Stamp, leading_to, stands_for
from vlmteach.experiments.sweep import sweep
from vlmteach.training import CheckpointError, load_checkpoint, save_checkpoint, write_whole

STAMPS = "stamps.json"


class RunCase(Protocol):
    """A run to make."""

    @property
    def name(self) -> str:
        """Short and unique in a record."""

    def as_json(self) -> dict[str, Any]:
        """Everything the run depends on, as JSON values."""


Case = TypeVar("Case", bound=RunCase)


class RunFolder:
    """Keeps finished runs, so that a recording can be stopped and go on later, on any machine the folder is taken to.

    module: makes the runs; when its code changes (see code.py), they must be made again, or one of them, whose numbers
    then stamp the others (see stamps.py). What a run was, when and by which versions it was made stands in NAME.json;
    trained weights that are kept stand beside it, in NAME.safetensors.
    """

    def __init__(self, folder: Path, module: str) -> None:
        self.folder = folder
        self.code = code_of(module)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def stamps(self) -> list[Stamp]:
        """Which other code makes the same numbers as today's, and what shows it."""
        return leading_to(self.code, self._all_stamps())

    def _all_stamps(self) -> list[Stamp]:
        file = self.folder / STAMPS
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []

    def keep(self, case: RunCase, result: Result) -> None:
        """Store a finished run."""
        if result.weights:
            save_checkpoint(self._weights(case.name), result.weights, {"case": case.as_json()})
        self._write(case.name, case.as_json(), digest(self.code), result.run)

    def finished(self, case: RunCase) -> dict[str, Any] | None:
        """A stored run of exactly this case and code; None when it must be made (again)."""
        try:
            stored = json.loads(self._file(case.name).read_text(encoding="utf-8"))
            known = stored["case"] == as_read(case.as_json()) and stored["code"] in stands_for(self.code, self.stamps)
            return stored["run"] if known else None
        except (
            FileNotFoundError,
            UnicodeDecodeError,
            json.JSONDecodeError,
            KeyError,
        ):  # there is none, or a damaged one
            return None

    def weights(self, case: RunCase) -> dict[str, Any]:
        """The trained weights of a stored run. Raises FileNotFoundError or CheckpointError when they are not there."""
        checkpoint = load_checkpoint(self._weights(case.name))
        if checkpoint.metadata != {"case": as_read(case.as_json())}:
            raise CheckpointError(f"{checkpoint.source} holds the weights of another case. Delete it and its run.")
        return dict(checkpoint.tensors)

    def ship(self, case: RunCase, file: Path, experiment: str) -> str:
        """Write a stored run's weights as a shipped checkpoint; returns its sha256.

        Weights travel with the record, not with runs: those that are shipped already are taken as they are. Raises
        FileNotFoundError when neither is there.
        """
        about = {"experiment": experiment, **as_read(case.as_json())}
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return save_checkpoint(file, self.weights(case), about)
        except FileNotFoundError:
            shipped = load_checkpoint(file)
            if shipped.metadata != about:
                raise FileNotFoundError(
                    f"the weights of {case.name} are not in {self.folder}, and {file} holds those of another run. "
                    f"Delete {case.name}.json there, and run the command again."
                ) from None
            return shipped.sha256

    def make(self, run: Callable[[Case], Result], cases: Sequence[Case], workers: int = 1) -> list[dict[str, Any]]:
        """Run what is not finished yet, each kept as soon as it is there, and return all runs in order.

        workers: processes at a time. Errors as in sweep.
        """
        named = {case.name: case for case in cases}
        done = [name for name, case in named.items() if self.finished(case) is not None]
        sweep(run, named, lambda name, result: self.keep(named[name], result), done=done, workers=workers)
        return self.runs(cases)

    def runs(self, cases: Sequence[RunCase]) -> list[dict[str, Any]]:
        """The runs of cases that are all finished, in order. Raises ValueError that names what is missing."""
        found = {case.name: self.finished(case) for case in cases}
        if missing := [name for name, run in found.items() if run is None]:
            raise ValueError(f"these runs are not finished: {', '.join(missing)}. Run the command again.")
        return [run for run in found.values() if run is not None]

    def of_other_code(self) -> dict[str, list[dict[str, Any]]]:
        """Stored runs that hold for other code than today's, by its digest; the ones made last come last."""
        holds = stands_for(self.code, self.stamps)
        stored = [json.loads(file.read_text(encoding="utf-8")) for file in self.folder.glob("*.json")]
        others: dict[str, list[dict[str, Any]]] = {}
        for run in sorted((run for run in stored if "case" in run), key=lambda run: run["made"]["when"]):
            if run["code"] not in holds:
                others.setdefault(run["code"], []).append(run["run"])
        return others

    def add_stamp(self, stamp: Stamp) -> None:
        """Let the runs of other code count for today's."""
        text = ",\n".join(json.dumps(each) for each in [*self._all_stamps(), stamp])
        write_whole(self.folder / STAMPS, f"[\n{text}\n]\n".encode())

    def _write(self, name: str, case: Mapping[str, Any], code: str, run: Mapping[str, Any]) -> None:
        stored = {"case": case, "code": code, "made": {"when": now(), **versions()}, "run": run}
        text = json.dumps(stored, allow_nan=False).replace('], "', '],\n"').replace('}, "', '},\n"')
        write_whole(self._file(name), f"{text}\n".encode())

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _weights(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"


def as_read(values: Mapping[str, Any]) -> Any:
    """Values as they come back from JSON."""
    return json.loads(json.dumps(values))
