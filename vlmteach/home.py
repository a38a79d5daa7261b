"""A home folder that cannot be written, as on some classroom servers.

matplotlib would take a temporary folder for its list of fonts then, and say so in long lines below the lesson's first
cell. A student cannot mend that in the middle of a lesson, so it is done here in silence; `course.doctor()` names it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile


def home_is_writable() -> bool:
    """Whether programs can keep files in the home folder."""
    return os.access(os.path.expanduser("~"), os.W_OK)


def lend_matplotlib_a_folder() -> None:
    """Where home is read-only, let MPLCONFIGDIR name a folder that lasts as long as this process.

    Nothing changes where home can be written or MPLCONFIGDIR is set. vlmteach.views calls it before it imports
    matplotlib, which would do the same, with those lines.
    """
    if "MPLCONFIGDIR" in os.environ or home_is_writable():
        return
    os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp(prefix="vlmteach-matplotlib-")
    atexit.register(shutil.rmtree, os.environ["MPLCONFIGDIR"], ignore_errors=True)
