"""Record what pictures cost, and see whether the code of today counts the same."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from vlmteach.experiments.code import code_of, digest
from vlmteach.experiments.cost import measure as making
from vlmteach.experiments.cost.measure import (
    MEASURED_CONNECTORS,
    MEASURED_ENCODERS,
    REPEATS,
    SIDES,
    measure_connector,
    measure_encoder,
)
from vlmteach.experiments.cost.results import CostResults
from vlmteach.experiments.recording import RESULTS, now, read_results, versions, write_results
from vlmteach.experiments.restamp import write_stamped
from vlmteach.experiments.stamps import Stamp

COUNTED = ("tokens", "flops", "bytes")  # the same on every machine; milliseconds are not


def measure_all() -> dict[str, list[dict[str, Any]]]:
    """Every encoder, and every connector, at every side."""
    jobs = [("encoder_runs", measure_encoder, name, side) for name in MEASURED_ENCODERS for side in SIDES]
    jobs += [("connector_runs", measure_connector, name, side) for name in MEASURED_CONNECTORS for side in SIDES]
    runs: dict[str, list[dict[str, Any]]] = {"encoder_runs": [], "connector_runs": []}
    for kind, measure, name, side in tqdm(jobs, unit="measurement"):
        runs[kind].append(measure(name, side))
    return runs


def record(folder: Path = RESULTS) -> CostResults:
    """Measure everything and write cost.json."""
    content = {
        "experiment": "cost",
        "repeats": REPEATS,
        "machine": platform.machine(),
        "versions": versions(),
        "code": code_of(making.__name__),
        "stamps": [],
        "encoders": {name: title for name, (title, _) in MEASURED_ENCODERS.items()},
        "connectors": {name: title for name, (title, _) in MEASURED_CONNECTORS.items()},
        **measure_all(),
    }
    write_results("cost", content, folder)
    return CostResults(content)


def restamp(folder: Path = RESULTS) -> None:
    """Count everything again; the recorded milliseconds stay. Raises ValueError when a count differs."""
    recorded, code = read_results("cost", folder), code_of(making.__name__)
    if recorded["code"] == code:
        print("the record cost was made, or stamped, by the code of today")
        return
    for kind, runs in measure_all().items():
        for today, before in zip(runs, recorded[kind], strict=True):
            if any(today[key] != before[key] for key in COUNTED):
                raise ValueError(f"today {today} is counted, recorded is {before}. Record the cost anew.")
    stamp: Stamp = {
        "before": digest(recorded["code"]),
        "after": digest(code),
        "when": now(),
        "versions": versions(),
        "run": "all counts",
        "largest_difference": 0.0,
        "tolerance": 0.0,
        "largest_difference_of_losses": 0.0,
        "starts": 0,
        "largest_difference_of_starts": 0.0,
    }
    write_stamped("cost", recorded, code, stamp, folder)
    print("stamped: cost. Every count came out as recorded.")
