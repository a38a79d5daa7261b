"""Which versions are installed, which are loaded, and which the course asks for."""

from __future__ import annotations

import importlib.metadata
import sys

from packaging.requirements import Requirement
from packaging.version import Version

from vlmteach.language import _

SHOWN = ("torch", "torchvision", "timm", "numpy", "matplotlib", "ipython", "ipywidgets", "ipykernel", "jupyterlab")
# Packages whose module has another name
MODULES = {"pillow": "PIL", "huggingface-hub": "huggingface_hub", "ipython": "IPython"}


def installed_version(name: str) -> str | None:
    """The version on disk, None when the package is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def requirements() -> list[Requirement]:
    """What the course itself asks for, without its extras."""
    asked = map(Requirement, importlib.metadata.requires("vlmteach") or [])
    return [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]


def requirement_problems() -> list[str]:
    """One sentence for each package that is missing or older than the course asks for."""
    problems = []
    for requirement in requirements():
        have = installed_version(requirement.name)
        if have is None or not requirement.specifier.contains(have, prereleases=True):
            problems.append(
                _(
                    '{name} is {version}; the course needs {requirement}. Run: pip install "{requirement}" '
                    "and restart the kernel.",
                    name=requirement.name,
                    version=have or _("not installed"),
                    requirement=requirement,
                )
            )
    return problems


def swapped_packages() -> list[str]:
    """One sentence for each package of the course whose loaded version is not the installed one.

    When pip replaces a package under a running kernel, half of it stays in memory and half is new on disk.
    """
    problems = []
    for name in (requirement.name for requirement in requirements()):
        loaded = getattr(sys.modules.get(MODULES.get(name, name)), "__version__", None)
        on_disk = installed_version(name)
        # 2.14.1+cu130 in memory and 2.14.1 on disk are the same release
        if loaded is not None and on_disk is not None and Version(loaded).public != Version(on_disk).public:
            problems.append(
                _(
                    "{name} {loaded} is loaded but {on_disk} is installed: it was replaced while the "
                    "kernel ran. Restart the kernel (menu Kernel or Runtime, Restart), then run the "
                    "lesson from the top.",
                    name=name,
                    loaded=loaded,
                    on_disk=on_disk,
                )
            )
    return problems
