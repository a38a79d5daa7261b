"""Which pixels does a unit see, along one axis? Interval arithmetic with whole numbers.

A map of features is described along one axis by the interval of pixels that each of its units sees. For a chain of
convolutions and poolings unit u sees the pixels u*stride - padding … u*stride - padding + size - 1. After upsampling
neighbouring units may share pixels, so the intervals repeat with a period: one interval for each phase.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction


class NeedsSize(Exception):
    """The answer depends on the size of the picture, which is not known."""


class WrongSize(Exception):
    """The network cannot take a picture of this size."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The intervals of pixels seen along one axis by the units of a map.

    With P = len(low), unit u = q*P + r sees pixels q*step + low[r] … q*step + high[r], both ends included. Pixels below
    0 or past the picture are padding. `step` None: no period; low and high list every unit of the map, and `pace` is
    the stride of the first of the branches whose strides differ.
    `count`: how many units there are, None while the picture's size is unknown.
    `seen`: first and last pixel that reaches this map at all (a stride may leave the last ones out), None as above.
    """

    low: tuple[int, ...] = (0,)
    high: tuple[int, ...] = (0,)
    step: int | None = 1
    count: int | None = None
    seen: tuple[int, int] | None = None
    pace: Fraction | None = None

    @classmethod
    def of_picture(cls, pixels: int | None) -> Axis:
        """The picture itself: pixel u sees pixel u."""
        return cls(count=pixels, seen=None if pixels is None else (0, pixels - 1))

    def interval(self, unit: int) -> tuple[int, int]:
        """First and last pixel that a unit sees; padding counts as pixels here."""
        if self.step is None:
            return self.low[unit], self.high[unit]
        turns, phase = divmod(unit, len(self.low))
        return turns * self.step + self.low[phase], turns * self.step + self.high[phase]

    def covers(self, other: Axis) -> bool:
        """Whether each unit sees at least what the same unit of another map sees; both without phases."""
        return (
            len(self.low) == len(other.low) == 1
            and self.step == other.step is not None
            and self.low[0] <= other.low[0]
            and self.high[0] >= other.high[0]
            and self.count == other.count
            and self.seen == other.seen
        )

    @property
    def stride(self) -> Fraction:
        """Pixels from one unit to the next, on average over a period."""
        if self.step is not None:
            return Fraction(self.step, len(self.low))
        assert self.pace is not None
        return self.pace

    @property
    def size(self) -> int:
        """How many pixels a unit sees: the largest of the phases."""
        return max(high - low for low, high in zip(self.low, self.high, strict=True)) + 1

    def window(
        self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, count: int | None = None
    ) -> Axis:
        """Slide a window over this map: unit u of the new map reads units u*stride - padding + dilation*(0 … kernel-1).

        `padding` is the number of padded units before the first one.
        """
        return self.read((-padding,), (-padding + dilation * (kernel - 1),), stride, count, gap=dilation)

    def read(
        self, first: Sequence[int], last: Sequence[int], shift: int, count: int | None = None, gap: int = 1
    ) -> Axis:
        """The map whose units read units of this one, in a pattern that repeats after len(first) units.

        Unit q*len(first) + r of the new map reads units q*shift + first[r], in steps of `gap`, to q*shift + last[r].
        """
        if self.step is None:
            return self._read_every_unit(first, last, shift, count, gap)
        old, new = len(self.low), len(first)
        if old == 1:
            low = tuple(unit * self.step + self.low[0] for unit in first)
            high = tuple(unit * self.step + self.high[0] for unit in last)
            return self._shown(Axis(*_shortest_period(low, high, self.step * shift), count))
        turns = old // math.gcd(shift, old)  # after so many turns of the new pattern both patterns meet again
        ends = []
        for unit in range(new * turns):
            turn, phase = divmod(unit, new)
            units = range(turn * shift + first[phase], turn * shift + last[phase] + 1, gap)
            # Intervals move right from period to period, so one period at each end holds the extremes.
            ends.append((min(self.interval(u)[0] for u in units[:old]), max(self.interval(u)[1] for u in units[-old:])))
        low, high = zip(*ends, strict=True)
        return self._shown(Axis(*_shortest_period(low, high, turns * shift * self.step // old), count))

    def read_each(self, first: Sequence[int], last: Sequence[int]) -> Axis:
        """The map whose unit u reads the units first[u] … last[u] of this one, in any order."""
        assert self.count is not None
        seen = [[self.interval(unit) for unit in range(a, b + 1)] for a, b in zip(first, last, strict=True)]
        low = tuple(min(side[0] for side in units) for units in seen)
        high = tuple(max(side[1] for side in units) for units in seen)
        return self._shown(Axis(low, high, None, len(seen), pace=self.stride * Fraction(self.count, len(seen))))

    def repeated(self, count: int) -> Axis:
        """A map of one unit, broadcast: each of `count` units sees what it sees."""
        return self.read_each((0,) * count, (0,) * count)

    def _read_every_unit(
        self, first: Sequence[int], last: Sequence[int], shift: int, count: int | None, gap: int
    ) -> Axis:
        """The same for a map without a period: unit by unit, and never past the map's ends."""
        assert count is not None  # a map without a period knows its size, and so does every map made from it
        end = len(self.low) - 1
        low, high = [], []
        for unit in range(count):
            turn, phase = divmod(unit, len(first))
            start, stop = turn * shift + first[phase], turn * shift + last[phase]
            units = [u for u in range(start, stop + 1, gap) if 0 <= u <= end] or [min(max(start, 0), end)]
            low.append(min(self.low[u] for u in units))
            high.append(max(self.high[u] for u in units))
        return self._shown(Axis(tuple(low), tuple(high), None, count, pace=self.stride * shift / len(first)))

    def _shown(self, made: Axis) -> Axis:
        """A map made from this one, told which pixels still reach it."""
        if made.count is None or self.seen is None:
            return made
        first = min(made.low[: made.count])
        if made.count <= len(made.low):
            last = max(made.high[: made.count])
        else:
            last = max(made.interval(made.count - 1 - u)[1] for u in range(len(made.low)))
        return replace(made, seen=(max(self.seen[0], first), min(self.seen[1], last)))


def merge(one: Axis, two: Axis) -> tuple[Axis, bool]:
    """Two maps added or stacked unit by unit: a unit now sees from the lower low to the higher high.

    A map of one unit is broadcast to the length of the other. Returns the map and whether the two intervals have the
    same centre at every unit (then the sum is *aligned*).
    Raises WrongSize for maps of different length, and NeedsSize for different strides while the length is unknown:
    such maps can only have the same length for some sizes of the picture.
    """
    if one.count != two.count and 1 in (one.count, two.count):
        one, two = (one, two) if two.count == 1 else (two, one)
        if one.count is None:
            raise NeedsSize("merges a map of one unit with a map of unknown length")
        two = two.repeated(one.count)
    if one.covers(two):
        return one, sum(one.interval(0)) == sum(two.interval(0))
    if two.covers(one):
        return two, sum(one.interval(0)) == sum(two.interval(0))
    count = one.count if two.count is None else two.count
    if one.count is not None and two.count is not None and one.count != two.count:
        raise WrongSize(f"it merges maps of {one.count} and {two.count} units")
    seen = one.seen or two.seen
    if one.seen is not None and two.seen is not None:
        seen = (min(one.seen[0], two.seen[0]), max(one.seen[1], two.seen[1]))
    step: int | None
    if one.step is not None and two.step is not None and one.step * len(two.low) == two.step * len(one.low):
        units = math.lcm(len(one.low), len(two.low))
        step = units // len(one.low) * one.step
    elif count is not None:
        units, step = count, None
    else:
        raise NeedsSize(f"merges maps of stride {one.stride} and {two.stride}")
    pairs = [(one.interval(u), two.interval(u)) for u in range(units)]
    low = tuple(min(a[0], b[0]) for a, b in pairs)
    high = tuple(max(a[1], b[1]) for a, b in pairs)
    if step is None:
        made = Axis(low, high, None, count, seen, one.stride)
    else:
        made = Axis(*_shortest_period(low, high, step), count, seen)
    return made, all(sum(a) == sum(b) for a, b in pairs)


def _shortest_period(
    low: tuple[int, ...], high: tuple[int, ...], step: int
) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Drop repetitions from a pattern: [0, 2], step 4 is [0], step 2."""
    length = len(low)
    for period in range(1, length):
        turns, rest = divmod(length, period)
        if rest or step % turns:
            continue
        move = step // turns
        if all(ends[i] + move == ends[i + period] for ends in (low, high) for i in range(length - period)):
            return low[:period], high[:period], move
    return low, high, step
