"""A folder of finished runs: one checkpoint each, found again only for exactly the same case and code."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from vlmteach.experiments.recording import code_hashes
from vlmteach.training import CheckpointError, load_checkpoint, save_checkpoint


class Result(NamedTuple):
    """One run that was made: what goes into the JSON, and the trained weights."""

    run: dict[str, Any]
    weights: dict[str, Tensor]


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

    def _made_by(self, case: Mapping[str, Any]) -> dict[str, Any]:
        return {"case": dict(case), "code": self.code}

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"
