"""How many cores one operation may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, each operation of torch stays on one core; afterwards the old number of threads holds again.

    One thread adds numbers up in one fixed order. And the operations of a tiny model take microseconds: on a busy
    machine several threads mostly wait for each other, and a run takes many times longer.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
