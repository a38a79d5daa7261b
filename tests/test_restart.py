"""The sentence below a NameError: in the middle of a lesson, and nowhere else."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError
from support.lesson_run import kernel_in

from vlmteach import restart
from vlmteach.course import get_lesson
from vlmteach.restart import SENTENCE, explain_missing_names, lesson_started

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "notebooks" / f"{get_lesson(1).name}.ipynb"
START = "from vlmteach import course\ncourse.start(1)"


@contextlib.contextmanager
def kernel_of(folder, notebook=None):
    """A fresh kernel of a notebook, which the front end names in Jupyter's way; or it does not."""
    named = {} if notebook is None else {"JPY_SESSION_NAME": str(notebook)}
    environment = {name: value for name, value in os.environ.items() if name != "JPY_SESSION_NAME"}
    with kernel_in(folder, {**environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **named}) as run:
        yield run


@pytest.fixture
def lesson(tmp_path):
    return shutil.copy(LESSON, tmp_path / "a copy under my own name.ipynb")


def errors_of(run, source):
    with pytest.raises(CellExecutionError) as caught:
        run.run(source)
    return str(caught.value)


def test_in_a_lesson_a_missing_name_is_explained_until_the_lesson_has_started(tmp_path, lesson):
    with kernel_of(tmp_path, lesson) as run:
        shown = errors_of(run, "from vlmteach.nn import attention\nattention(query, query, query)")
        assert "name 'query' is not defined" in shown
        assert SENTENCE in shown
        assert SENTENCE in errors_of(run, "print(batch)")  # in later cells too

        shown = errors_of(run, "1 / 0")
        assert "ZeroDivisionError" in shown
        assert SENTENCE not in shown

        run.run(START)
        shown = errors_of(run, "print(qeury)")  # the student's own
        assert "name 'qeury' is not defined" in shown
        assert SENTENCE not in shown
    assert [path.name for path in tmp_path.iterdir()] == [Path(lesson).name]


def test_where_the_front_end_names_no_notebook_it_is_explained_after_a_restart(tmp_path):
    with kernel_of(tmp_path) as run:
        run.run(START)
        run.restart()
        assert SENTENCE in errors_of(run, "import vlmteach\nattention(query, query, query)")


@pytest.mark.parametrize("is_named", [True, False])
def test_in_a_notebook_that_is_no_lesson_nothing_is_explained(tmp_path, is_named):
    notebook = tmp_path / "my own.ipynb"
    notebook.write_text('{"cells": []}', "utf-8")
    with kernel_of(tmp_path, notebook if is_named else None) as run:
        for cells in ("import vlmteach.probes", "from vlmteach.course import doctor"):
            run.run(cells)
            shown = errors_of(run, "print(mine)")
            assert "name 'mine' is not defined" in shown
            assert SENTENCE not in shown, cells


@pytest.fixture
def shell(shell, monkeypatch):
    """A shell whose notebook is a lesson, as VS Code names it."""
    shell.user_ns["__vsc_ipynb_file__"] = str(LESSON)
    monkeypatch.setattr(restart, "running_shell", lambda: shell)
    return shell


def test_a_handler_of_somebody_else_has_its_say_and_is_there_again_afterwards(shell, capsys):
    """As Colab's, which explains failed imports."""
    handled = []
    shell.set_custom_exc((ImportError,), lambda shell, kind, error, trace, tb_offset=None: handled.append(kind))
    before = shell.custom_exceptions, shell.CustomTB
    explain_missing_names()
    explain_missing_names()  # a second import changes nothing more
    shell.run_cell("import no_such_module")
    assert handled == [ModuleNotFoundError]
    assert SENTENCE not in capsys.readouterr().err
    shell.run_cell("print(query)")
    assert handled == [ModuleNotFoundError]
    assert SENTENCE in capsys.readouterr().err
    lesson_started(shell)
    assert (shell.custom_exceptions, shell.CustomTB) == before
    shell.run_cell("import no_such_module")
    assert handled == [ModuleNotFoundError] * 2


def test_a_handler_for_the_same_error_is_kept_and_the_sentence_added(shell, capsys):
    handled = []
    shell.set_custom_exc((NameError,), lambda shell, kind, error, trace, tb_offset=None: handled.append(str(error)))
    explain_missing_names()
    shell.run_cell("print(query)")
    assert handled == ["name 'query' is not defined"]
    assert SENTENCE in capsys.readouterr().err


def test_a_handler_that_was_set_later_stays(shell):
    explain_missing_names()
    shell.set_custom_exc((OSError,), lambda *error, tb_offset=None: None)
    later = shell.custom_exceptions, shell.CustomTB
    lesson_started(shell)
    assert (shell.custom_exceptions, shell.CustomTB) == later


def test_a_lesson_that_starts_at_once_changes_no_handler(shell):
    before = shell.custom_exceptions, shell.CustomTB
    lesson_started(shell)
    assert (shell.custom_exceptions, shell.CustomTB) == before


@pytest.mark.parametrize("notebook", ["", "no such file.ipynb", "fileId=1a2b", "a\0b", "."])
def test_a_name_that_is_no_file_means_no_lesson(shell, notebook):
    shell.user_ns["__vsc_ipynb_file__"] = notebook
    before = shell.custom_exceptions, shell.CustomTB
    explain_missing_names()
    assert (shell.custom_exceptions, shell.CustomTB) == before
