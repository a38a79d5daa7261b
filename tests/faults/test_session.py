"""What the course says of faults that a student can mend."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest
from huggingface_hub import constants
from nbclient.exceptions import CellExecutionError
from support.hub import hub_on_this_machine

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("package", ["torch", "numpy"])
def test_a_package_that_is_swapped_under_the_running_kernel_is_named(package: str, classroom) -> None:
    with classroom.kernel() as run:
        run.run("from vlmteach import course\ncourse.start(0)")
        # what pip leaves behind where it has put another version: the old one stays in the kernel's memory
        other = classroom.packages / f"{package}-1.0.0.dist-info"
        other.mkdir()
        (other / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n", "utf-8")
        with pytest.raises(CellExecutionError) as refused:
            run.run("course.start(0)")
        report = run.run("course.doctor()")
    named = rf"{package} {re.escape(version(package))}\S* is loaded but 1\.0\.0 is installed.* Restart the kernel"
    assert refused.value.ename == "RuntimeError"
    assert re.match(named, refused.value.evalue)
    assert re.search(named, report)


def test_the_doctor_names_a_home_folder_that_cannot_be_written(classroom) -> None:
    with classroom.kernel() as run:
        report = run.run("from vlmteach import course\ncourse.doctor()")
    assert f"the home folder {classroom.home} cannot be written; nothing can be cached there. Set HOME" in report


def test_weights_that_a_home_folder_does_not_take_are_one_sentence(classroom, tmp_path, monkeypatch) -> None:
    with hub_on_this_machine(monkeypatch, tmp_path / "cache") as hub:
        hub.put("course/stand-in", "model.safetensors", b"0" * 1000)
        classroom.environment["HF_ENDPOINT"] = constants.ENDPOINT
        with classroom.kernel() as run, pytest.raises(CellExecutionError) as refused:
            run.run("from vlmteach.backbones.hub import fetch_weights\nfetch_weights('course/stand-in', 'mit', 1000)")
    cache = classroom.home / ".cache" / "huggingface" / "hub"
    assert refused.value.ename == "WeightsMissing"
    assert (
        f"are missing: they are not in the cache, and {cache} cannot be written; let HF_HOME name a folder of yours"
        in refused.value.evalue
    )
