"""How sure a mean over three seeds is."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STUDENT = 4.303  # 97.5 % point of Student's t with two degrees of freedom: three seeds
NORMAL = 1.96


class Mean(NamedTuple):
    """A mean over the seeds and half of its 95 % interval; prints as "0.97 ± 0.02"."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.half:.2f}"


def half_interval(accuracy: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of the 95 % interval around the mean of the first axis, the seeds.

    It holds both what other seeds would change (Student's t over the seeds) and what other test pictures would.
    accuracy, errors: (3, …), of each seed; a standard error, of test pictures that are the same for all seeds.
    Raises ValueError for another number of seeds.
    """
    if len(accuracy) != 3:
        raise ValueError(f"there are {len(accuracy)} seeds; expected 3, for which Student's t is known here.")
    of_seeds = STUDENT * accuracy.std(axis=0, ddof=1) / math.sqrt(len(accuracy))
    return np.hypot(of_seeds, NORMAL * errors.mean(axis=0))


def mean_share(right: NDArray[np.int64], asked: int) -> Mean:
    """The mean share of right answers. right: (3,), of `asked` test pictures each.

    The standard error is that of Agresti and Coull, who add two right and two wrong answers: it is not zero where all
    were right.
    """
    padded = (right + 2) / (asked + 4)
    errors = np.sqrt(padded * (1 - padded) / (asked + 4))
    share = right / asked
    return Mean(float(share.mean()), float(half_interval(share, errors)))
