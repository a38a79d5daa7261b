"""A report on this machine that a student can paste into a question."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil
import torch

import vlmteach
from vlmteach.course.lessons import MEMORY_MB
from vlmteach.course.versions import SHOWN, installed_version, requirement_problems, swapped_packages
from vlmteach.home import home_is_writable
from vlmteach.language import _

LEAST_MEMORY_GB = MEMORY_MB / 1024


def doctor() -> None:
    """Print what this machine has, what is off, and how to mend it."""
    problems = find_problems()
    print("\n".join(describe_machine()))
    print()
    print(
        _("{count} problem(s) found:", count=len(problems))
        if problems
        else _("0 problem(s) found; the lessons should run.")
    )
    for number, problem in enumerate(problems, 1):
        print(f"{number}. {problem}")


def describe_machine() -> list[str]:
    """Lines of the report: versions, processor, memory, device, place."""
    memory = psutil.virtual_memory()
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else _("no GPU (none is needed)")
    versions = [f"{name} {installed_version(name) or _('not installed')}" for name in SHOWN]
    return [
        f"vlmteach {vlmteach.__version__}, Python {platform.python_version()}, {platform.platform()}",
        *[", ".join(versions[i : i + 3]) for i in range(0, len(versions), 3)],
        _(
            "processor: {cores} cores, torch uses {threads} threads",
            cores=os.cpu_count(),
            threads=torch.get_num_threads(),
        ),
        _(
            "memory: {total:.1f} GB, {free:.1f} GB free",
            total=memory.total / 2**30,
            free=memory.available / 2**30,
        ),
        _("device: {device}", device=device),
        _("place: {place}", place="Google Colab" if on_colab() else _("a Jupyter kernel of your own")),
    ]


def find_problems() -> list[str]:
    """Sentences that say what is off and how to mend it; empty when all is well."""
    problems = requirement_problems() + swapped_packages()
    problems += _torchvision_problem() + _memory_problem() + _home_problem()
    return problems


def on_colab() -> bool:
    """Whether this kernel runs on Google Colab."""
    return "COLAB_RELEASE_TAG" in os.environ


def _torchvision_problem() -> list[str]:
    try:
        import torchvision  # noqa: F401
    except Exception as error:  # a build for another torch fails in many ways, a RuntimeError among them
        return [
            _(
                "torchvision does not load beside this torch ({error}). The two must be of one release "
                "and one kind: install them together in one command, then restart the kernel.",
                error=error,
            )
        ]
    return []


def _memory_problem() -> list[str]:
    free = psutil.virtual_memory().available / 2**30
    if free >= LEAST_MEMORY_GB:
        return []
    return [
        _(
            "only {free:.1f} GB of memory are free; a lesson may need {need:.0f} GB. Shut "
            "down other kernels (menu Kernel, Shut Down All Kernels).",
            free=free,
            need=LEAST_MEMORY_GB,
        )
    ]


def _home_problem() -> list[str]:
    home = Path.home()
    if home_is_writable():
        return []
    return [
        _(
            "the home folder {home} cannot be written; nothing can be cached there. Set HOME to a folder of yours.",
            home=home,
        )
    ]
