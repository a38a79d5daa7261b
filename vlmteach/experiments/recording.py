"""What every recorded experiment writes down beside its numbers, and how lessons read it back."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlmteach.training import Checkpoint, load_checkpoint, write_whole

# Package data: on Colab only the installed package exists, not the checkout.
HERE = Path(__file__).parent
RESULTS = HERE / "results"
CHECKPOINTS = HERE / "checkpoints"
_LIBRARIES = ("vlmteach", "torch", "numpy")


def versions() -> dict[str, str]:
    """What made a result: Python, the libraries that compute, and the instructions that torch uses here."""
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"python": platform.python_version(), **libraries, "cpu": torch.backends.cpu.get_cpu_capability()}


def now() -> str:
    """The time in UTC, to the minute."""
    return datetime.now(UTC).isoformat(timespec="minutes")


def write_results(name: str, results: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write a recorded experiment as JSON, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    write_whole(path, _as_lines(results).encode())
    return path


def read_results(name: str, folder: Path = RESULTS) -> dict[str, Any]:
    """A recorded experiment. Raises FileNotFoundError that names the command which records it."""
    path = folder / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"there are no recorded results {path}. Record them with: python -m vlmteach.experiments.{name}"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def steps_to_level(runs: Iterable[Mapping[str, Any]]) -> NDArray[np.float64]:
    """(runs, kinds): the steps until each kind of question was at the level, as runs hold them; NaN for never."""
    steps = [run["steps_to_level"] for run in runs]
    return np.array([[np.nan if step is None else step for step in row] for row in steps], dtype=np.float64)


def load_shipped(
    record: Mapping[str, Any], name: str, folder: Path = CHECKPOINTS, *, kind: str = "model"
) -> Checkpoint:
    """The weights that come with a record, verified against it. name: in the record's `checkpoints`; kind: in words.

    Raises ValueError for a name that is not shipped, CheckpointError when the file is not the recorded one.
    """
    shipped = record["checkpoints"]
    if name not in shipped:
        raise ValueError(f"there is no trained {kind} {name!r}; expected one of {', '.join(shipped)}.")
    return load_checkpoint(folder / shipped[name]["file"], sha256=shipped[name]["sha256"])


def _as_lines(results: dict[str, Any]) -> str:
    """JSON with one line for each entry, and for each run of a list: short to store, and a changed run is one line."""
    entries = []
    for key, value in results.items():
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(item, allow_nan=False) for item in value)
            entries.append(f"{json.dumps(key)}: [\n{lines}\n]")
        else:
            entries.append(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}")
    return "{\n" + ",\n".join(entries) + "\n}\n"
