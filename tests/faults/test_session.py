"""What the course says of faults that a student can mend."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest
from nbclient.exceptions import CellExecutionError

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
