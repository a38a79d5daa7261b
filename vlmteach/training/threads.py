"""How many cores one operation may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, each operation of torch stays on one core; afterwards the old number of threads holds again.

    The operations of a tiny model take microseconds. Several threads then mostly wait for each other: little is won on
    a free machine, and on a busy one it is many times slower. One thread also adds numbers up in one fixed order.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
