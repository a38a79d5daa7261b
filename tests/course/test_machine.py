import os
import sys
from types import SimpleNamespace

import psutil
import pytest

from vlmteach.course import machine as module
from vlmteach.course import versions


def test_a_healthy_machine_gets_a_report_without_problems(capsys) -> None:
    module.doctor()
    report = capsys.readouterr().out
    assert "vlmteach" in report
    assert "0 problem(s) found; the lessons should run." in report
    for name in versions.SHOWN:
        assert f"{name} {versions.installed_version(name)}" in report


def old_timm(monkeypatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda name: "0.1" if name == "timm" else "99")


def missing_timm(monkeypatch) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda name: None if name == "timm" else "99")


def little_memory(monkeypatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2**32, available=2**29))


def read_only_home(monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)


def replaced_pillow(monkeypatch) -> None:
    monkeypatch.setattr("PIL.__version__", "9.5.0")


def broken_torchvision(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)  # import then raises ImportError


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (old_timm, ["timm is 0.1", "pip install"]),
        (missing_timm, ["timm is not installed", "pip install"]),
        (little_memory, ["only 0.5 GB", "Shut down other kernels"]),
        (read_only_home, ["cannot be written", "Set HOME"]),
        (replaced_pillow, ["pillow 9.5.0 is loaded but", "Restart the kernel"]),
        (broken_torchvision, ["torchvision does not load", "install them together"]),
    ],
)
def test_what_is_off_is_named_with_its_remedy(spoil, words, monkeypatch, capsys) -> None:
    spoil(monkeypatch)
    module.doctor()
    report = capsys.readouterr().out
    assert "the lessons should run" not in report
    for word in words:
        assert word in report


def test_colab_is_recognised_by_its_release_tag(monkeypatch) -> None:
    assert not module.on_colab()
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    assert module.on_colab()
    assert "place: Google Colab" in module.describe_machine()
