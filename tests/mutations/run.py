"""Make each fault of faults.toml in a copy of the checkout and see that the named test fails: `make mutate`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAULTS = tomllib.loads((ROOT / "tests/mutations/faults.toml").read_text("utf-8"))["fault"]
PASSED, FAILED = 0, 1  # pytest's and lint-imports' exit codes; any other means that the test did not run


def copy_checkout(target: Path) -> None:
    """All files that git knows, and nothing else."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)


def run(tests: list[str], folder: Path) -> tuple[int, str]:
    """The exit code and output of these tests, run in a folder with its own copy of the package."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    if tests == ["lint-imports"]:
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    """Print one line for each fault; 1 when one of them was not found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_checkout(folder)
        for tests in (sorted({fault["test"] for fault in FAULTS} - {"lint-imports"}), ["lint-imports"]):
            code, output = run(tests, folder)
            if code != PASSED:
                print(output[-2000:], "\nThe tests do not pass without a fault; nothing can be said about faults.")
                return 1
        missed = [fault["why"] for fault in FAULTS if not found(fault, folder)]
    print(f"{len(FAULTS) - len(missed)} of {len(FAULTS)} faults were found.")
    return 1 if missed else 0


def found(fault: dict[str, str], folder: Path) -> bool:
    """Whether the named test fails with this fault, and for no other reason than a failed check."""
    path = folder / fault["file"]
    text = path.read_text("utf-8")
    if text.count(fault["old"]) != 1:
        raise ValueError(f"{fault['file']} holds {fault['old']!r} {text.count(fault['old'])} times; expected once.")
    path.write_text(text.replace(fault["old"], fault["new"]), "utf-8")
    code, output = run([fault["test"]], folder)
    path.write_text(text, "utf-8")
    print(f"{'found ' if code == FAILED else 'MISSED'} {fault['why']} ({fault['test']})", flush=True)
    if code not in (PASSED, FAILED):
        print(output[-1000:])
    return code == FAILED


if __name__ == "__main__":
    sys.exit(main())
