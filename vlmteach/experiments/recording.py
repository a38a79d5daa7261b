"""What every recorded experiment writes down beside its numbers, and how lessons read it back."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vlmteach.training import write_whole

# Package data: on Colab only the installed package exists, not the checkout.
HERE = Path(__file__).parent
RESULTS = HERE / "results"
CHECKPOINTS = HERE / "checkpoints"
_LIBRARIES = ("vlmteach", "torch", "numpy")


def code_hashes(modules: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the source text of each module, by name; line endings do not count."""
    hashes = {}
    for name in sorted(modules):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ValueError(f"there is no module {name!r} whose code could be hashed.")
        text = Path(spec.origin).read_text(encoding="utf-8")
        hashes[name] = hashlib.sha256(text.encode()).hexdigest()
    return hashes


def versions() -> dict[str, str]:
    """The versions that made a result: Python and the libraries that compute."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


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
