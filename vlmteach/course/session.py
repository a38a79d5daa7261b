"""The one call that opens a lesson."""

from __future__ import annotations

import random

import numpy as np
import torch

from vlmteach.course.lessons import get_lesson
from vlmteach.course.versions import swapped_packages
from vlmteach.language import ENGLISH, _, use_language
from vlmteach.restart import lesson_started, running_shell
from vlmteach.views import show_figures_as_html, use_style

SEED = 0
MOST_THREADS = 4  # the lessons' networks are small: more threads than this cost more than they bring


def start(lesson: int, language: str = ENGLISH) -> None:
    """Open a lesson: check the packages, seed every generator, set threads and figure style, say so in two lines.

    lesson: its number, 0 to 11. language: in which everything is shown from here on, "en" or "ja".
    Raises ValueError for an unknown lesson or language, RuntimeError when a package was replaced under the running
    kernel.
    """
    this = get_lesson(lesson)
    use_language(language, lesson)
    swapped = swapped_packages()
    if swapped:
        raise RuntimeError(" ".join(swapped))
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(min(MOST_THREADS, torch.get_num_threads()))  # never more than the machine was told to use
    use_style()
    _set_up_shell()
    network = _("one part uses the network and says so") if this.needs_network else _("no network needed")
    print(
        _(
            "Lesson {number:02d}: {title} (about {minutes} minutes)",
            number=this.number,
            title=_(this.title),
            minutes=this.minutes,
        )
    )
    print(
        _(
            "Ready: seed {seed}, {network}. After a kernel restart, begin here. Trouble? Run course.doctor().",
            seed=SEED,
            network=network,
        )
    )


def _set_up_shell() -> None:
    shell = running_shell()
    if shell is not None:  # None in a plain script, where nothing shows figures
        show_figures_as_html(shell)
        lesson_started(shell)
