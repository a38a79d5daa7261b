"""Maps of weight as bytes: small enough for a page, and "nothing" stays different from "little"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Heat:
    """One map for each measured unit, in bytes of that map's peak; Heat.of makes it from numbers.

    levels: (rows, columns, h, w) uint8. A byte is 0 where the value is exactly 0, and only there.
    peak:   (rows, columns) float32, the largest value of each map. A level stands for level * peak / 255.
    Raises TypeError for other dtypes, ValueError for other shapes and for a peak that is negative or not finite.
    """

    levels: NDArray[np.uint8]
    peak: NDArray[np.float32]

    @classmethod
    def of(cls, values: ArrayLike) -> Heat:
        """values: (rows, columns, h, w), finite and not negative: weights, |gradients| or measured changes."""
        numbers = np.asarray(values, dtype=np.float32)
        if numbers.ndim != 4 or 0 in numbers.shape:
            raise ValueError(
                f"got values of shape {numbers.shape}; expected (rows, columns, h, w): one map for each measured unit."
            )
        if not np.isfinite(numbers).all() or (numbers < 0).any():
            raise ValueError(
                "the maps hold NaN, infinite or negative values; expected finite values from 0 on. Take |gradient|, "
                "attention weights or absolute changes, and look where a NaN comes from before it is drawn."
            )
        peak = numbers.max(axis=(2, 3))
        # a tiny positive value becomes 1, never 0: "nothing" must stay different from "little"
        share = numbers / np.where(peak > 0, peak, 1)[:, :, None, None]
        levels = np.where(numbers > 0, np.clip(np.rint(share * 255), 1, 255), 0)
        return cls(levels.astype(np.uint8), peak)

    def __post_init__(self) -> None:
        check_array("levels", self.levels, np.uint8, 4, "Heat.of(values) turns numbers into bytes of their peak.")
        check_array("peak", self.peak, np.float32, 2, "It holds the largest value of each map.")
        if self.peak.shape != self.levels.shape[:2]:
            raise ValueError(
                f"levels has maps for {self.levels.shape[:2]} units but peak for {self.peak.shape}; expected the same."
            )
        if (self.peak < 0).any():
            raise ValueError("a peak is negative; expected the largest of values from 0 on.")

    def value(self, row: int, column: int, y: int, x: int) -> float:
        """The number behind one byte, right to half a level (peak / 510): what the page prints."""
        return float(self.levels[row, column, y, x]) * float(self.peak[row, column]) / 255


def check_array(name: str, array: Any, dtype: type, axes: int, advice: str) -> None:
    """Raise TypeError for another dtype, ValueError for other axes, an empty axis or numbers that are not finite."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        given = f"{array.dtype} numbers" if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} holds {given}; expected a numpy array of {np.dtype(dtype).name}. {advice}")
    if array.ndim != axes or 0 in array.shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {axes} axes, none of them empty. {advice}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite numbers; expected finite ones. Look where they come from.")
