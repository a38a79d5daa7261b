"""`python -m vlmteach.experiments.cost`: measure what pictures cost and write it down. It takes seconds."""

from __future__ import annotations

import platform
from pathlib import Path

from tqdm.auto import tqdm

from vlmteach.experiments.cost.measure import CONNECTORS, ENCODERS, REPEATS, SIDES, measure_connector, measure_encoder
from vlmteach.experiments.cost.results import CostResults
from vlmteach.experiments.recording import RESULTS, code_hashes, versions, write_results

CODE = ("vlmteach.experiments.cost.measure", "vlmteach.experiments.cost.memory")


def record(folder: Path = RESULTS) -> CostResults:
    """Measure everything and write cost.json."""
    jobs = [(measure_encoder, name, side) for name in ENCODERS for side in SIDES]
    jobs += [(measure_connector, name, side) for name in CONNECTORS for side in SIDES]
    runs = [measure(name, side) for measure, name, side in tqdm(jobs, unit="measurement")]
    content = {
        "experiment": "cost",
        "repeats": REPEATS,
        "machine": platform.machine(),
        "versions": versions(),
        "code": code_hashes(CODE),
        "encoders": {name: title for name, (title, _) in ENCODERS.items()},
        "connectors": {name: title for name, (title, _) in CONNECTORS.items()},
        "encoder_runs": [run for run in runs if "encoder" in run],
        "connector_runs": [run for run in runs if "connector" in run],
    }
    write_results("cost", content, folder)
    return CostResults(content)


def table(results: CostResults) -> str:
    """One line for each measurement."""
    lines = [f"{'':16}{'side':>6}{'tokens':>8}{'MFLOPs':>10}{'ms':>9}{'MiB':>8}"]
    for run in [*results.record["encoder_runs"], *results.record["connector_runs"]]:
        name = run.get("encoder") or run.get("connector")
        numbers = f"{run['flops'] / 1e6:10.1f}{run['milliseconds']:9.2f}{run['bytes'] / 2**20:8.2f}"
        lines.append(f"{name:16}{run['side']:6}{run['tokens']:8}{numbers}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(record()))
