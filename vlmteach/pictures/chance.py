"""Random numbers that are the same on every machine and with every version of NumPy.

Everything is made from the raw 64-bit words of a PCG64 generator by integer arithmetic. NumPy keeps that stream fixed,
which it does not promise for the distributions of its Generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Seed = int | Sequence[int]
Integers = NDArray[np.int64]


class Chance:
    """A stream of random numbers.

    seed: a number, or several that name a stream, for instance (seed, step). stream: separates uses of one seed.
    Raises ValueError unless the seeds are whole numbers of 0 or more.
    """

    def __init__(self, seed: Seed, stream: int = 0) -> None:
        numbers = list(seed) if isinstance(seed, Sequence) else [seed]
        if not numbers or any(not isinstance(number, int) or number < 0 for number in numbers):
            raise ValueError(f"seed is {seed!r}; expected a whole number of 0 or more, or several of them.")
        # SeedSequence pads with zeros, so the length goes in front: (1,) and (1, 0) are different seeds
        self._generator = np.random.PCG64(np.random.SeedSequence([stream, len(numbers), *numbers]))

    def below(self, bounds: Integers) -> Integers:
        """Whole numbers from 0 to bound - 1, one for each bound (bounds are tiny: the bias is below 2^-60)."""
        words = self._generator.random_raw(bounds.size).reshape(bounds.shape)
        return (words % bounds.astype(np.uint64)).astype(np.int64)

    def numbers(self, bound: int, shape: int | tuple[int, ...]) -> Integers:
        """Whole numbers from 0 to bound - 1, as many as the shape says."""
        return self.below(np.full(shape, bound))

    def others(self, taken: Integers, bound: int) -> Integers:
        """One whole number from 0 to bound - 1 for each column of `taken` (T, B) that is none of its T different ones.

        Each free number is equally likely: count over the free ones, stepping over the taken.
        """
        number = self.numbers(bound - len(taken), taken.shape[1:])
        for place in np.sort(taken, axis=0):
            number = number + (number >= place)
        return number

    def bytes(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Random bytes; their number must be a multiple of 8."""
        words = self._generator.random_raw(int(np.prod(shape)) // 8)
        return words.astype("<u8").view(np.uint8).reshape(shape)
