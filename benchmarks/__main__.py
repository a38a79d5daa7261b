"""Run every benchmark, print one table, ratios before times, and save it with machine and versions.

python -m benchmarks            all of them
python -m benchmarks explorer   these
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import platform
import sys
from pathlib import Path

import benchmarks
from vlmteach.course.versions import SHOWN, installed_version

RESULTS = Path(__file__).with_name("results.json")


def names() -> list[str]:
    """Every module of this folder that can be run."""
    return [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]


def line(row: dict) -> str:
    """One row of the table; a tool that refuses has no times."""
    times = "" if row["ratio"] is None else f"{row['ratio']:.2f} | {row['median_ms']:.1f}"
    return f"| {row['job']} | {row['tool']} | {times or '- | -'} | {row['note']} |"


def main(asked: list[str]) -> int:
    """Run what was asked for, or everything; returns 1 when a name is unknown."""
    unknown = set(asked) - set(names())
    if unknown:
        print(f"there is no benchmark {', '.join(sorted(unknown))}; expected some of {', '.join(names())}.")
        return 1
    rows: list[dict] = []
    print("| job | tool | ratio | median ms | note |\n|---|---|---|---|---|")
    for name in asked or names():
        made = importlib.import_module(f"benchmarks.{name}").run()
        print(*map(line, made), sep="\n", flush=True)
        rows += made
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    versions = {package: installed_version(package) for package in SHOWN}
    RESULTS.write_text(json.dumps({"machine": machine, "versions": versions, "rows": rows}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
