"""The branch for a class: lessons without outputs and hand-ins, committed beside whatever a person is doing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nbformat
import pytest

from lecture.class_branch import class_files, commit_beside
from lecture.leaks import answers, leaks, notes, planted_mistakes
from vlmteach.course import LESSONS

FILES = {"lessons/00.ipynb": "a lesson\n", "handin/00.ipynb": "日本語\r\nno newline at the end"}


def git(repository: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=repository, check=True, capture_output=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One in the middle of work: a file that is staged, one that is changed, one that git does not know."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for name, value in {"user.name": "A", "user.email": "a@example.org", "core.autocrlf": "true"}.items():
        git(tmp_path, "config", name, value)
    for name in ("staged", "changed"):
        (tmp_path / name).write_text("before\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    (tmp_path / "staged").write_text("staged\n")
    git(tmp_path, "add", "staged")
    (tmp_path / "changed").write_text("changed\n")
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "00.ipynb").write_text("a lesson a person is writing\n")
    return tmp_path


def state(repository: Path) -> tuple:
    files = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts}
    return git(repository, "status", "--porcelain=v2", "--branch"), git(repository, "diff", "--cached"), files


def held(repository: Path, branch: str = "class") -> dict[str, str]:
    names = git(repository, "ls-tree", "-r", "--name-only", branch).decode().split()
    return {name: git(repository, "show", f"{branch}:{name}").decode() for name in names}


def test_a_person_at_work_notices_nothing(repository: Path) -> None:
    before = state(repository)
    commit = commit_beside(repository, "class", FILES, "For the class")
    assert state(repository) == before
    assert held(repository) == FILES
    assert git(repository, "log", "--format=%H %s", "class").decode() == f"{commit} For the class\n"


def test_a_second_commit_stands_on_the_first_and_holds_only_what_is_given(repository: Path) -> None:
    first = commit_beside(repository, "class", FILES, "one")
    assert commit_beside(repository, "class", dict(reversed(FILES.items())), "again") is None
    second = commit_beside(repository, "class", {"handin/00.ipynb": "new"}, "two")
    assert held(repository) == {"handin/00.ipynb": "new"}
    assert git(repository, "rev-list", "class").decode().split() == [second, first]


def test_a_branch_that_is_checked_out_is_refused_wherever_it_is(repository: Path, tmp_path_factory) -> None:
    with pytest.raises(ValueError, match="'main' is checked out"):
        commit_beside(repository, "main", FILES, "x")
    commit_beside(repository, "class", FILES, "one")
    git(repository, "worktree", "add", "--quiet", str(tmp_path_factory.mktemp("other") / "tree"), "class")
    with pytest.raises(ValueError, match="'class' is checked out"):
        commit_beside(repository, "class", {"a": "b"}, "x")
    assert held(repository) == FILES


@pytest.mark.parametrize("branch", ["a branch", "--all", "", "a..b"])
def test_what_is_no_name_of_a_branch_is_refused(repository: Path, branch: str) -> None:
    before = git(repository, "for-each-ref")
    with pytest.raises(ValueError, match="check-ref-format refused"):
        commit_beside(repository, branch, FILES, "x")
    assert git(repository, "for-each-ref") == before


def test_a_folder_without_a_repository_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ValueError, match="not a git repository"):
        commit_beside(tmp_path, "class", FILES, "x")


def test_the_class_gets_every_lesson_and_hand_in_without_outputs_and_nothing_of_a_lecturers(tmp_path: Path) -> None:
    files = class_files()
    assert sorted(files) == sorted(
        [f"lessons/{lesson.name}.ipynb" for lesson in LESSONS]
        + [f"handin/{lesson.number:02d}.ipynb" for lesson in LESSONS]
    )
    for name, text in files.items():
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert cells
        assert all(cell.outputs == [] and cell.execution_count is None for cell in cells), name
        (tmp_path / name.replace("/", "-")).write_text(text, "utf-8")
    assert leaks([tmp_path], [*notes(), *answers(), *planted_mistakes()]) == []
