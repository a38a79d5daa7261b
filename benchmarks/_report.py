"""What a run leaves behind: results.json, and RESULTS.md, the table that is made from it."""

from __future__ import annotations

import datetime
import json
import os
import pkgutil
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks._rows import OURS, Row, number
from vlmteach.course.versions import SHOWN, installed_version

RESULTS = Path(__file__).with_name("results.json")
TABLE = Path(__file__).with_name("RESULTS.md")
PEERS = ("torchscan", "captum", "grad-cam", "bertviz", "openerf")
INTRODUCTION = """# What was measured

`make bench` times our tools and other people's in turn, in one process, and writes this page. Bold is the ratio to the
job's yardstick, the tool at 1.00: below it is faster or smaller. What follows is the median. A bound that is missed on
a ratio or on bytes fails the command; one on a time is only shown. Clicks are timed in a browser. What the lessons cost
was measured with all cores when `make notebooks` last built them.
"""
HEAD = "| job | tool | ratio | measured | bound | note |\n|---|---|---|---|---|---|"


def names() -> list[str]:
    """Every module of this folder that can be run."""
    return [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]


def line(row: Row) -> str:
    """One row of the full table; a tool that refuses has no numbers."""
    ratio = "-" if row.ratio is None else number(row.ratio)
    measured = "-" if row.amount is None else f"{number(row.amount)} {row.unit}"
    return f"| {row.job} | {row.tool} | {ratio} | {measured} | {row.verdict} | {row.note} |"


def save(made: Mapping[str, Sequence[Row]]) -> None:
    """Write results.json, and RESULTS.md from it. made: the rows of every benchmark by its name."""
    rows = {name: [asdict(row) for row in rows] for name, rows in made.items()}
    _write({"machine": machine(), "versions": versions(), "benchmarks": rows})


def renew(name: str, rows: Sequence[Row]) -> None:
    """Put one benchmark's rows in the place of those that results.json and RESULTS.md have of it."""
    results = json.loads(RESULTS.read_text("utf-8"))
    results["benchmarks"][name] = [asdict(row) for row in rows]
    _write(results)


def machine() -> dict[str, Any]:
    """What a reader must know to compare."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "as many as cores"),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str | None]:
    """Of the course's packages and of the tools it is compared with; None where one is not installed."""
    return {package: installed_version(package) for package in (*SHOWN, *PEERS)}


def page(results: Mapping[str, Any]) -> str:
    """RESULTS.md: a line for each job, ours and the others with their ratios, and where it was measured."""
    rows = [Row.from_json(row) for made in results["benchmarks"].values() for row in made]
    jobs = dict.fromkeys(row.job for row in rows if not row.detail)
    lines = [_job_line(job, [row for row in rows if row.job == job and not row.detail]) for job in jobs]
    at, installed = results["machine"], results["versions"]
    tools = ", ".join(f"{name} {installed[name] or '(not installed)'}" for name in ("torch", "timm", *PEERS))
    head = "| job | ours | others | bound |\n|---|---|---|---|"
    where = (
        f"Measured on {at['date']}: {at['processor']}, {at['cores']} cores, threads: {at['threads']}; "
        f"{at['system']}, Python {at['python']}; {tools}."
    )
    return "\n".join([INTRODUCTION, head, *lines, "", where, ""])


def _write(results: Mapping[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    TABLE.write_text(page(results), "utf-8")


def _job_line(job: str, rows: Sequence[Row]) -> str:
    ours = [_cell(row) for row in rows if row.tool.startswith(OURS)]
    others = [_cell(row) for row in rows if not row.tool.startswith(OURS)]
    bounds = [row.verdict for row in rows if row.bound]
    return f"| {job} | {'<br>'.join(ours)} | {'<br>'.join(others)} | {'<br>'.join(bounds)} |"


def _cell(row: Row) -> str:
    name = row.tool.removeprefix(OURS).strip(" :,")
    note = f"; {row.note}" if row.note else ""
    if row.ratio is None or row.amount is None:
        return f"{name}: none{note}"
    return f"**{number(row.ratio)}** {name}, {number(row.amount)} {row.unit}{note}"


def _processor() -> str:
    """The processor's name as the system tells it; Linux tells it only in a file."""
    about = Path("/proc/cpuinfo")
    named = [text for text in about.read_text("utf-8").splitlines() if "model name" in text] if about.exists() else []
    return named[0].partition(":")[2].strip() if named else platform.processor() or platform.machine()
