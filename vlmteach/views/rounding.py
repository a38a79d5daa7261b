"""What a figure may say of measured numbers: nothing that only a processor's rounding decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlmteach.language import _

# Sums of float32 come out a little different on every processor, in the seventh digit; a few layers make it the sixth.
ROUNDING = 1e-5


def tell_size(size: float, floor: float = ROUNDING) -> str:
    """The size of a difference in two digits, or "below 1e-5" where it is rounding. floor: a power of ten.

    Raises ValueError for a negative size.
    """
    if size < 0:
        raise ValueError(f"the size of a difference is {size}; expected 0 or more: take its absolute value.")
    if size < floor:
        return _("below {size}", size=_short(f"{floor:.0e}"))
    return _short(f"{size:.2g}") if size < 10 else f"{size:,.0f}"


def _short(number: str) -> str:
    """1e-05 as people write it: 1e-5."""
    return number.replace("e-0", "e-")


def peak(values: ArrayLike) -> tuple[int, ...]:
    """Where the largest value lies; of several that only rounding tells apart, the first in reading order."""
    found = np.asarray(values)
    return tuple(int(place) for place in np.argwhere(found >= found.max() - _slack(found))[0])


def ranked(values: ArrayLike) -> NDArray[np.intp]:
    """The numbers of the flattened values, from the largest down; what only rounding tells apart, in reading order."""
    flat = np.asarray(values).ravel()
    order = np.argsort(-flat, kind="stable")
    steps = -np.diff(flat[order]) > _slack(flat)
    return order[np.lexsort((order, np.concatenate([[0], steps.cumsum()])))]


def _slack(values: NDArray[np.floating]) -> float:
    return ROUNDING * float(np.abs(values).max())
