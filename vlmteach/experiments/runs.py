"""A folder of finished runs: one checkpoint each, found again only for exactly the same case and code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from torch import Tensor

from vlmteach.experiments.recording import code_hashes
from vlmteach.training import CheckpointError, load_checkpoint, save_checkpoint, sweep


class Result(NamedTuple):
    """One run that was made: what goes into the JSON, and the trained weights."""

    run: dict[str, Any]
    weights: dict[str, Tensor]


class RunCase(Protocol):
    """A run to make."""

    @property
    def name(self) -> str:
        """Short and unique in a record."""

    def as_json(self) -> dict[str, Any]:
        """Everything the run depends on, as JSON values."""


Case = TypeVar("Case", bound=RunCase)


class RunFolder:
    """Keeps finished runs, so that a recording can be stopped and go on later.

    code: the modules that decide the numbers; when one of them changes, its runs must be made again.
    """

    def __init__(self, folder: Path, code: Collection[str]) -> None:
        self.folder = folder
        self.code = code_hashes(code)
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, case: Mapping[str, Any], result: Result) -> None:
        """Store a finished run. case: everything it depended on, as JSON values."""
        save_checkpoint(self._file(name), result.weights, {"run": result.run, **self._made_by(case)})

    def finished(self, name: str, case: Mapping[str, Any]) -> Result | None:
        """A stored run of exactly this case, made by exactly this code; None when it must be made (again)."""
        try:
            checkpoint = load_checkpoint(self._file(name))
        except (FileNotFoundError, CheckpointError):
            return None
        made_by = {key: value for key, value in checkpoint.metadata.items() if key != "run"}
        return Result(checkpoint.metadata["run"], checkpoint.tensors) if made_by == self._made_by(case) else None

    def make(
        self, run: Callable[[Case], Result], cases: Sequence[Case], workers: int = 1, scheduler: str | None = None
    ) -> list[Result]:
        """Run what is not finished yet, each kept as soon as it is there, and return all results in order.

        workers, scheduler: as in sweep.
        """
        named = {case.name: case for case in cases}
        done = [name for name, case in named.items() if self.finished(name, case.as_json()) is not None]

        def keep(name: str, result: Result) -> None:
            self.keep(name, named[name].as_json(), result)

        sweep(run, named, keep, done=done, workers=workers, scheduler=scheduler)
        return self.results(cases)

    def results(self, cases: Sequence[RunCase]) -> list[Result]:
        """The results of cases that are all finished, in order. Raises ValueError that names what is missing."""
        found = {case.name: self.finished(case.name, case.as_json()) for case in cases}
        if missing := [name for name, result in found.items() if result is None]:
            raise ValueError(f"these runs are not finished: {', '.join(missing)}. Run the command again.")
        return [result for result in found.values() if result is not None]

    def _made_by(self, case: Mapping[str, Any]) -> dict[str, Any]:
        return {"case": dict(case), "code": self.code}

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"
