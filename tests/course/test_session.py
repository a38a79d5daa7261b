import importlib
import random
import sys

import matplotlib
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from vlmteach import course
from vlmteach.course import versions
from vlmteach.views import describe, new_figure, show_figures_as_html


def test_start_says_the_same_two_short_lines_every_time(capsys) -> None:
    course.start(1)
    first = capsys.readouterr().out
    course.start(1)
    assert capsys.readouterr().out == first
    assert first.splitlines() == [
        "Lesson 01: From feature map to tokens (about 35 minutes)",
        "Ready: seed 0, no network needed. After a kernel restart, begin here. Trouble? Run course.doctor().",
    ]


def test_start_seeds_every_generator() -> None:
    draws = []
    for _ in range(2):
        course.start(0)
        draws.append((random.random(), np.random.rand(), torch.rand(()).item()))
    assert draws[0] == draws[1]


def test_start_sets_the_style() -> None:
    matplotlib.rcParams["font.size"] = 3
    course.start(0)
    assert matplotlib.rcParams["font.size"] == 12


@pytest.mark.parametrize(("told", "used"), [(1, 1), (3, 3), (64, 4)])
def test_start_uses_as_many_threads_as_it_was_told_to_but_never_a_crowd(told, used, monkeypatch) -> None:
    chosen = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: told)
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    course.start(0)
    assert chosen == [used]


@pytest.mark.parametrize("number", [-1, 77, "1"])
def test_an_unknown_lesson_is_refused_with_those_there_are(number) -> None:
    with pytest.raises(ValueError, match="expected one of 0, 1, 2"):
        course.start(number)


@pytest.mark.parametrize("package", [requirement.name for requirement in versions.requirements()])
def test_a_package_swapped_under_the_kernel_is_named(package, monkeypatch) -> None:
    importlib.import_module(versions.MODULES.get(package, package))
    on_disk = versions.installed_version
    monkeypatch.setattr(versions, "installed_version", lambda name: "0.0.1" if name == package else on_disk(name))
    with pytest.raises(
        RuntimeError, match=f"^{package} [0-9.]+.* is loaded but 0.0.1 is installed.*Restart the kernel"
    ):
        course.start(0)


def test_a_package_that_is_not_loaded_yet_cannot_be_swapped(monkeypatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda name: "0.0.1")
    for requirement in versions.requirements():
        monkeypatch.setitem(sys.modules, versions.MODULES.get(requirement.name, requirement.name), None)
    assert versions.swapped_packages() == []


def test_a_local_build_tag_is_no_swap(monkeypatch) -> None:
    release = torch.__version__.split("+")[0]
    monkeypatch.setattr(torch, "__version__", f"{release}+cu999")
    assert versions.swapped_packages() == []


def test_a_shell_shows_a_figure_once_as_html_with_its_alt_text(shell: InteractiveShell) -> None:
    show_figures_as_html(shell)
    figure, _ = new_figure(height=1)
    data, _ = shell.display_formatter.format(describe(figure, "three bars"))
    assert data["text/html"].startswith('<img alt="three bars"')
    assert "image/png" not in data


def test_a_students_own_figure_says_that_it_has_no_description(shell: InteractiveShell) -> None:
    show_figures_as_html(shell)
    data, _ = shell.display_formatter.format(new_figure(height=1)[0])
    assert 'alt="A figure without alt text."' in data["text/html"]
