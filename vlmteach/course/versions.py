"""Which versions are installed, which are loaded, and which the course asks for."""

from __future__ import annotations

import importlib.metadata
import sys

from packaging.requirements import Requirement
from packaging.version import Version

SHOWN = ("torch", "torchvision", "timm", "numpy", "matplotlib", "ipython", "ipywidgets", "ipykernel", "jupyterlab")
# Compiled packages: when pip replaces one under a running kernel, half of it stays in memory and half is new on disk.
COMPILED = ("torch", "numpy")


def installed_version(name: str) -> str | None:
    """The version on disk, None when the package is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def requirement_problems() -> list[str]:
    """One sentence for each package that is missing or older than the course asks for."""
    problems = []
    for line in importlib.metadata.requires("vlmteach") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        have = installed_version(requirement.name)
        if have is None or not requirement.specifier.contains(have, prereleases=True):
            problems.append(
                f"{requirement.name} is {have or 'not installed'}; the course needs {requirement}. "
                f'Run: pip install "{requirement}" and restart the kernel.'
            )
    return problems


def swapped_packages() -> list[str]:
    """One sentence for each compiled package whose loaded version is not the installed one."""
    problems = []
    for name in COMPILED:
        module, on_disk = sys.modules.get(name), installed_version(name)
        if module is None or on_disk is None:
            continue
        # 2.14.1+cu130 in memory and 2.14.1 on disk are the same release
        if Version(module.__version__).public != Version(on_disk).public:
            problems.append(
                f"{name} {module.__version__} is loaded but {on_disk} is installed: it was replaced while the kernel "
                "ran. Restart the kernel (menu Kernel or Runtime, Restart), then run the lesson from the top."
            )
    return problems
