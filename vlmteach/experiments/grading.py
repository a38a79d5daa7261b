"""How runs are graded: on pictures of a seed of their own, and by the steps to a level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TEST_SEED = 1_000_000  # far from every seed that pictures are learned from
LEVEL = 0.95  # accuracy from which an encoder is said to know what it is asked


def steps_to(level: float, accuracy: NDArray[np.float64], window: int) -> list[int | None]:
    """For each column of accuracy (windows, K): steps when a window first reached the level, None when none did.

    window: steps that were graded together.
    """
    reached = accuracy >= level
    return [int(column.argmax() + 1) * window if column.any() else None for column in reached.T]
