"""Every lesson under all faults at once, with its exercises solved, and then each cell again: `make test-faults`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError
from support.answers import solved_cells
from support.cells import code_cells, names_of

from vlmteach.course import LESSONS, Lesson
from vlmteach.restart import SENTENCE

pytestmark = pytest.mark.faults

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LESSON = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
SWITCH = re.compile(r'^weights = "\w+"(?=  # or "pretrained")', re.MULTILINE)
PROOF = """
import codecs, importlib.util, json, locale, os, pathlib, socket, sys
import torch

def refusal(act):
    try:
        act()
    except OSError as error:
        return error.strerror or str(error)
    return "not refused"

def as_utf8(path):
    return os.fsencode(path).decode("utf-8")

print(json.dumps({
    "connection": refusal(lambda: socket.socket().connect(("192.0.2.1", 80))),
    "look-up": refusal(lambda: socket.getaddrinfo("example.org", 443)),
    "file in HOME": refusal(lambda: (pathlib.Path.home() / "file").write_text("x")),
    "folder in HOME": refusal(lambda: (pathlib.Path.home() / ".cache").mkdir()),
    "encoding": codecs.lookup(locale.getpreferredencoding(False)).name,
    "UTF-8 mode": sys.flags.utf8_mode,
    "threads": torch.get_num_threads(),
    "GPU": torch.cuda.is_available(),
    "folder": as_utf8(os.getcwd()),
    "package": as_utf8(importlib.util.find_spec("vlmteach").origin),
    "cache folders": [name for name in os.environ if name.endswith(("_HOME", "CONFIGDIR")) or "CACHE" in name],
}))
"""
FONTS = "Matplotlib is building the font cache; this may take a moment.\n"  # on a slow machine; it is so


def with_pretrained_weights(lesson: Lesson) -> list[str]:
    """The cells of a lesson with its switch thrown, [] when it has none."""
    switched = [SWITCH.sub('weights = "pretrained"', source) for source in code_cells(lesson)]
    return switched if switched != code_cells(lesson) else []


@LESSON
def test_a_lesson_runs_forwards_and_backwards_under_all_faults_and_says_nothing_of_them(
    lesson: Lesson, classroom
) -> None:
    with classroom.kernel() as run:
        assert json.loads(run.run(PROOF)) == {
            "connection": "the network is off",
            "look-up": "the network is off",
            "file in HOME": "Permission denied",
            "folder in HOME": "Permission denied",
            "encoding": "ascii",
            "UTF-8 mode": 0,
            "threads": 1,
            "GPU": False,
            "folder": str(classroom.folder),
            "package": str(classroom.packages / "vlmteach" / "__init__.py"),
            "cache folders": [],
        }
        assert classroom.network_tries() == ["socket.connect 192.0.2.1", "socket.getaddrinfo example.org"]
        cells = list(solved_cells(lesson).values())
        for source in [*cells, *reversed(cells)]:  # any cell can be run again after all others
            run.run(source)
        assert run.stderr.replace(FONTS, "") == ""
        assert classroom.network_tries() == []
        assert run.run("torch.get_num_threads(), list(pathlib.Path.home().iterdir())") == "(1, [])"


@LESSON
def test_running_on_from_the_middle_after_a_restart_gets_one_clear_sentence(lesson: Lesson, classroom) -> None:
    bootstrap, *rest = code_cells(lesson)
    # A fresh kernel knows the sentence once a cell imports something of the course; half of the cells do.
    candidates = [source for source in rest if names_of(source)[1] and "from vlmteach" in source]
    # as Jupyter names a notebook to its kernel
    classroom.environment["JPY_SESSION_NAME"] = shutil.copy(NOTEBOOKS / f"{lesson.name}.ipynb", classroom.folder)
    with classroom.kernel() as run:
        run.run(bootstrap)
        run.restart()
        with pytest.raises(CellExecutionError) as caught:
            run.run(candidates[len(candidates) // 2])
        assert caught.value.ename == "NameError"
        assert run.stderr.replace(FONTS, "") == SENTENCE + "\n"


@pytest.mark.parametrize("lesson", filter(with_pretrained_weights, LESSONS), ids=lambda lesson: lesson.name)
def test_trained_weights_that_cannot_be_fetched_are_one_sentence_and_the_lesson_goes_on(
    lesson: Lesson, classroom
) -> None:
    with classroom.kernel() as run:
        shown = "".join(map(run.run, with_pretrained_weights(lesson)))
        assert shown.count("are missing: they are not in the cache, and the hub could not be reached") == 1
        assert "the network is off" in shown
        assert run.stderr.replace(FONTS, "") == ""
        assert {line.split()[-1] for line in classroom.network_tries()} == {"huggingface.co"}
