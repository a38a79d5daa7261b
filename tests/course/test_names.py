"""The names of the package `course`, each imported when it is first asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from vlmteach import course

ROOT = Path(__file__).resolve().parents[2]


def test_every_name_is_given_by_one_module_and_none_has_the_name_of_a_module() -> None:
    given = [name for names in course._GIVES.values() for name in names]
    assert sorted(given) == sorted(course.__all__)
    assert not set(given) & course._GIVES.keys()
    assert set(given) <= set(dir(course))


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in course._GIVES.items() for name in names]
)
def test_a_name_is_what_its_module_says_also_after_that_was_imported(module: str, name: str) -> None:
    there = getattr(import_module(f"vlmteach.course.{module}"), name)
    assert getattr(course, name) is there


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'plaground'"):
        course.plaground  # noqa: B018
    with pytest.raises(ImportError):
        exec("from vlmteach.course import plaground")


def test_checking_hand_ins_loads_neither_figures_nor_controls() -> None:
    asked = (
        "import lecture.collect, sys; print({'matplotlib', 'ipywidgets', 'torchvision', 'timm'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
