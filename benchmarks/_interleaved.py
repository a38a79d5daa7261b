"""Time several tools fairly: in turn, round after round, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def time_in_turn(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each tool in each round; every other round goes backwards. One more round before them warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name in list(calls) if number % 2 else reversed(list(calls)):
            start = time.perf_counter()
            calls[name]()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds
