"""A process that ends as when it is killed, on every system."""

from __future__ import annotations

import os
from typing import NoReturn

STATUS = 137


def end_as_if_killed() -> NoReturn:
    """End this process at once: nothing is closed, nobody is told."""
    os._exit(STATUS)
