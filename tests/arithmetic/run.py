"""Run what is stored and recorded under other arithmetics than the one it was made with: `make test-arithmetic`.

Processors round in different ways, and so do libraries with other threads. Under each arithmetic every lesson must give
its stored outputs, every figure its picture, and a recorded run must start as it was recorded.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDING = str(ROOT / "tests/arithmetic/other_rounding")
ARITHMETICS = {
    "no vectors, 1 thread": {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"},
    "AVX2, 2 threads": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "2"},
    "old processor, 4 threads": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "COMPATIBLE",
        "OMP_NUM_THREADS": "4",
    },
    "this processor, 4 threads": {"OMP_NUM_THREADS": "4"},
    "other rounding": {"PYTHONPATH": ROUNDING, "ROUNDING_SEED": "1"},
}
LESSON = [
    "--nbval",
    "--nbval-current-env",
    "--nbval-cell-timeout=600",
    f"--nbval-sanitize-with={ROOT}/tests/notebooks/nbval_sanitize.cfg",
]
OTHERS = {
    "pictures of figures": ["-m", "mpl_image_compare", "tests/views"],
    "recorded runs": ["-k", "recorded", "tests/experiments"],
}


def run(arithmetic: str, tests: list[str]) -> tuple[bool, str]:
    """Whether these tests pass under an arithmetic, and what pytest says."""
    added = ARITHMETICS[arithmetic]
    environment = {"OMP_NUM_THREADS": "1", "ALL_RUNS": "1", **os.environ, **added}
    paths = [added.get("PYTHONPATH"), os.environ.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "pytest", "-q", "-n0", "-o", f"cache_dir={cache}", *tests]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def main(arguments: list[str]) -> int:
    """Print a line for each arithmetic and lesson; 1 when one of them differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of the names of what to run; all without")
    parser.add_argument("--arithmetic", action="append", choices=ARITHMETICS, help="this one; all without")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks", help="the folder with the built lessons")
    asked = parser.parse_args(arguments)
    jobs = {path.stem: [*LESSON, str(path.resolve())] for path in sorted(asked.notebooks.glob("*.ipynb"))}
    jobs |= OTHERS
    chosen = {name: tests for name, tests in jobs.items() if not asked.names or any(x in name for x in asked.names)}
    if not chosen:
        parser.error(f"nothing is named {' or '.join(asked.names)}; there are {', '.join(jobs)}")
    same = count = 0
    for arithmetic in asked.arithmetic or ARITHMETICS:
        # threads that wait for each other's cores take many times as long
        at_once = max(1, (os.cpu_count() or 1) // int(ARITHMETICS[arithmetic].get("OMP_NUM_THREADS", 1)))
        with ThreadPoolExecutor(at_once) as pool:
            results = pool.map(run, itertools.repeat(arithmetic), chosen.values())
            for name, (passed, said) in zip(chosen, results, strict=True):
                print(f"{'ok     ' if passed else 'DIFFERS'} {arithmetic}: {name}", flush=True)
                same, count = same + passed, count + 1
                if not passed:
                    print(said)
    print(f"{same} of {count} gave what is stored.")
    return 0 if same == count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
