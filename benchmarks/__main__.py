"""Run every benchmark, print one table, ratios before times, and keep it: results.json and RESULTS.md.

python -m benchmarks            all of them; only a whole run is kept
python -m benchmarks explorer   these; printed only

Exits with 1 when a bound on a ratio or on bytes is missed. A bound on a time is shown, but a machine decides it.
"""

from __future__ import annotations

import importlib
import sys

from benchmarks._report import HEAD, line, names, save
from benchmarks._rows import Row


def main(asked: list[str]) -> int:
    """Run what was asked for, or everything; returns 1 when a name is unknown or a bound is missed."""
    unknown = set(asked) - set(names())
    if unknown:
        print(f"there is no benchmark {', '.join(sorted(unknown))}; expected some of {', '.join(names())}.")
        return 1
    made: dict[str, list[Row]] = {}
    print(HEAD)
    for name in asked or names():
        made[name] = importlib.import_module(f"benchmarks.{name}").run()
        print(*map(line, made[name]), sep="\n", flush=True)
    if not asked:
        save(made)
    return 1 if any(row.fails for rows in made.values() for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
