"""A branch for nbgitpuller: every lesson without outputs, and its hand-in. Nothing else of the repository is touched.

    python -m lecture.class_branch               commits to the branch `class`
    python -m lecture.class_branch --branch b    to another

Outputs stay out, for those that are stored would conflict with every student's own. The commit is made beside the
work tree: what is checked out, staged or changed stays as it is. Nothing is pushed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import build_lessons
import nbformat

from lecture.handin import handin
from vlmteach.course import LESSONS

ROOT = Path(__file__).resolve().parents[1]


def class_files() -> dict[str, str]:
    """What the branch holds, by path."""
    files = {}
    for lesson in LESSONS:
        files[f"lessons/{lesson.name}.ipynb"] = nbformat.writes(build_lessons.read_source(lesson)) + "\n"
        files[f"handin/{lesson.number:02d}.ipynb"] = nbformat.writes(handin(lesson)) + "\n"
    return files


def commit_beside(repository: Path, branch: str, files: Mapping[str, str], message: str) -> str | None:
    """Commit exactly these files to a branch, on top of what it holds. Returns the commit, None if they are there.

    Neither HEAD, nor the index, nor the work tree changes. Raises ValueError for a branch that is checked out
    somewhere, for no name of a branch, and for a folder that is no repository.
    """

    def git(*words: str, given: str | None = None, **environment: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=repository,
            input=given,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **environment},
        )
        if done.returncode:
            raise ValueError(f"git {words[0]} refused: {done.stderr.strip()}")
        return done.stdout.strip()

    git("check-ref-format", "--branch", branch)
    ref = f"refs/heads/{branch}"
    if f"branch {ref}" in git("worktree", "list", "--porcelain").splitlines():
        raise ValueError(f"the branch {branch!r} is checked out; switch to another one first, or name another branch.")
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        blobs = {path: git("hash-object", "-w", "--stdin", given=text) for path, text in files.items()}
        listed = "".join(f"100644 {blob}\t{path}\n" for path, blob in blobs.items())
        git("update-index", "--add", "--index-info", given=listed, **index)
        tree = git("write-tree", **index)
    before = git("for-each-ref", "--format=%(objectname)", ref)
    if before and git("rev-parse", f"{before}^{{tree}}") == tree:
        return None
    commit = git("commit-tree", tree, *(["-p", before] if before else []), "-m", message)
    git("update-ref", ref, commit, before)
    return commit


def main(arguments: list[str]) -> int:
    """Commit the class's files and say so. Returns 1 when git refuses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--branch", default="class")
    asked = parser.parse_args(arguments)
    try:
        commit = commit_beside(ROOT, asked.branch, class_files(), "Lessons without outputs, and their hand-ins")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{asked.branch} is at {commit}: git push origin {asked.branch}" if commit else f"{asked.branch} is up to date"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
