"""The package without its answers, for a class that hands in: withheld, not secret.

    python -m lecture.withhold        writes dist/student/vlmteach-….whl; `make student-wheel` does the same

Each `answer` becomes a sentence, which `solution()` then prints; checks and hints stay as they are. The version gets
the local part `+withheld`, so that `pip list` tells which one a machine has. What this cannot hide is said in
lecture/RUNNING.md.
"""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHEELS = ROOT / "dist" / "student"
SENTENCE = "The answer is withheld in your class's build of the package: ask whoever teaches it."
_BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE")


def withhold(source: str) -> str:
    """A module with the sentence in place of the answer of each exercise that has one; all else to the letter."""
    lines = source.encode().splitlines(keepends=True)  # as the syntax tree counts columns
    for value in sorted(_answers(ast.parse(source)), key=lambda value: (value.lineno, value.col_offset), reverse=True):
        assert value.end_lineno is not None
        first, last = value.lineno - 1, value.end_lineno - 1
        before, after = lines[first][: value.col_offset], lines[last][value.end_col_offset :]
        lines[first : last + 1] = [before + repr(SENTENCE).encode() + after]
    return b"".join(lines).decode()


def _answers(tree: ast.Module) -> list[ast.expr]:
    """What stands behind answer= in each Exercise(...)."""
    made = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and ast.unparse(call.func) == "Exercise"]
    return [each.value for call in made for each in call.keywords if each.arg == "answer"]


def strip(package: Path) -> None:
    """Withhold every answer of a copy of the package, in place. ValueError where no exercise is found."""
    modules = sorted((package / "course" / "exercises").glob("lesson_*.py"))
    if not modules:
        raise ValueError(f"{package} holds no course/exercises/lesson_*.py; expected a copy of the package vlmteach.")
    for module in modules:
        module.write_text(withhold(module.read_text("utf-8")), "utf-8")


def build(folder: Path) -> Path:
    """Build the wheel into a folder. Returns it."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for name in _BUILT_FROM:
            shutil.copyfile(ROOT / name, copy / name)
        shutil.copytree(ROOT / "vlmteach", copy / "vlmteach", ignore=shutil.ignore_patterns("__pycache__"))
        strip(copy / "vlmteach")
        project, version = (copy / "pyproject.toml").read_text("utf-8"), importlib.metadata.version("vlmteach")
        withheld = project.replace(f'\nversion = "{version}"', f'\nversion = "{version}+withheld"')
        if withheld == project:
            raise ValueError(
                f"pyproject.toml does not say version {version}, which is installed; run `make lab` first."
            )
        (copy / "pyproject.toml").write_text(withheld, "utf-8")
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel", place]
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)], check=True, cwd=place)
        return folder / f"vlmteach-{version}+withheld-py3-none-any.whl"


if __name__ == "__main__":
    print(build(WHEELS))
