from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError
from support.lesson_run import kernel

from vlmteach.restart import SENTENCE

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(tmp_path):
    with kernel(tmp_path, ROOT) as run:
        yield run


def errors_of(run, source):
    with pytest.raises(CellExecutionError) as caught:
        run.run(source)
    return str(caught.value)


def test_a_missing_name_after_a_restart_is_explained(run):
    shown = errors_of(run, "from vlmteach.nn import attention\nattention(query, query, query)")

    assert "name 'query' is not defined" in shown
    assert SENTENCE in shown


def test_it_is_explained_in_later_cells_too(run):
    run.run("import vlmteach")

    assert SENTENCE in errors_of(run, "print(batch)")


def test_once_the_lesson_has_started_a_missing_name_is_the_students_own(run):
    run.run("from vlmteach import course\ncourse.start(1)")
    shown = errors_of(run, "print(qeury)")

    assert "name 'qeury' is not defined" in shown
    assert SENTENCE not in shown


def test_other_errors_are_shown_as_always(run):
    shown = errors_of(run, "import vlmteach\n1 / 0")

    assert "ZeroDivisionError" in shown
    assert SENTENCE not in shown
