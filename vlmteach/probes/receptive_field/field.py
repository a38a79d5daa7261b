"""What is known about a tensor on its way through a network: which of its axes are positions, and what those see.

Three kinds of value travel through the graph besides ordinary numbers: a `Field` still has positions, each with its own
window; a `Pooled` has none left (it saw the whole picture and forgot where); an `Opaque` is a number that is not known,
such as a size while the picture's size is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.intervals import Axis, NeedsSize, merge

# What an axis of a tensor means. FLAT is rows and columns in one axis, row-major, perhaps with CLS tokens in front;
# MIXED is positions and channels in one axis, as after flatten(1); CELL is the places inside a cell, after rows or
# columns were split into cells: like channels, as long as all of them are used.
OTHER, ROWS, COLUMNS, FLAT, MIXED, CELL = "channels", "rows", "columns", "tokens", "mixed", "places in a cell"
POSITIONS = frozenset({ROWS, COLUMNS, FLAT, MIXED})
GRID = (OTHER, OTHER, ROWS, COLUMNS)


class Opaque:
    """A number that is not known, equal to itself only."""


Size = int | Opaque


class Blank(Opaque):
    """A tensor that has seen nothing, as torch.zeros makes it. sizes: the length of each axis, as far as known."""

    def __init__(self, *sizes: Any) -> None:
        alone = len(sizes) == 1 and isinstance(sizes[0], (tuple, list))
        self.sizes: tuple[Size, ...] = tuple(sizes[0] if alone else sizes)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a map sees the whole picture; `order` is the place in the graph, the earliest cause is the one reported."""

    text: str
    order: int = -1


@dataclass(frozen=True, slots=True)
class Pooled:
    """A value without positions: every number in it may have seen the whole picture."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Field:
    """A value with positions.

    layout, sizes: meaning and length of each axis. rows, columns: what the positions see.
    cause: the operation through which each position also saw the rest of the picture, if there was one.
    aligned: False once branches with different centres were merged. copies: True once padding copied pixels.
    needs: what cannot be said before the picture's size is known.
    """

    layout: tuple[str, ...]
    sizes: tuple[Size, ...]
    rows: Axis
    columns: Axis
    cause: Cause | None = None
    aligned: bool = True
    copies: bool = False
    needs: str | None = None

    @classmethod
    def of_picture(cls, height: int | None, width: int | None) -> Field:
        """One picture (1, C, H, W) itself."""
        rows, columns = Axis.of_picture(height), Axis.of_picture(width)
        return cls(GRID, (1, Opaque(), _length(rows), _length(columns)), rows, columns)

    def axis(self, dim: int) -> int:
        """A dimension counted from the front, as Python counts."""
        if not -len(self.layout) <= dim < len(self.layout):
            raise UnsupportedOperation(f"dimension {dim} of a tensor with axes {self.axes}")
        return dim % len(self.layout)

    @property
    def axes(self) -> str:
        """The axes in words, for messages."""
        return "(" + ", ".join(self.layout) + ")"

    def require_grid(self) -> None:
        """Raises UnsupportedOperation unless the axes are (batch, channels, rows, columns)."""
        if self.layout != GRID:
            raise UnsupportedOperation(f"it expects (batch, channels, rows, columns) and got axes {self.axes}")

    def moved(self, rows: Axis, columns: Axis, channels: Size | None = None, copies: bool = False) -> Field:
        """The next grid, whose positions see `rows` and `columns`. channels: their new number, if it changes."""
        sizes = (self.sizes[0], self.sizes[1] if channels is None else channels)
        if self.needs is not None:  # unknown stays unknown
            return replace(self, sizes=(*sizes, Opaque(), Opaque()), copies=copies or self.copies)
        return self.placed(rows, columns, (*sizes, _length(rows), _length(columns)), copies)

    def placed(self, rows: Axis, columns: Axis, sizes: Sequence[Size], copies: bool = False) -> Field:
        """The same axes, whose positions now see `rows` and `columns`."""
        return replace(self, rows=rows, columns=columns, sizes=tuple(sizes), copies=copies or self.copies)

    def along(self, meaning: str) -> Axis:
        """What rows or columns see."""
        return self.rows if meaning == ROWS else self.columns

    def with_axis(self, meaning: str, axis: Axis) -> Field:
        """The same with other rows or columns; their length is written down by who arranges the axes."""
        if self.needs is not None:  # unknown stays unknown
            return self
        return replace(self, rows=axis) if meaning == ROWS else replace(self, columns=axis)

    def arranged(self, layout: Sequence[str], sizes: Sequence[Size]) -> Field:
        """The same positions with other axes."""
        return replace(self, layout=tuple(layout), sizes=tuple(sizes))

    def resized(self, dim: int, size: Size | None = None) -> Field:
        """The same with a new length of one axis, or an unknown one."""
        new = Opaque() if size is None else size
        return self.arranged(self.layout, [new if i == dim else old for i, old in enumerate(self.sizes)])

    def everywhere(self, text: str) -> Field:
        """The same positions, but each of them now also depends on the whole picture."""
        return self if self.cause is not None else replace(self, cause=Cause(text))

    def unsized(self, what: str) -> Field:
        """Positions of which nothing can be said before the picture's size is known."""
        sizes = tuple(
            Opaque() if meaning in POSITIONS else size for meaning, size in zip(self.layout, self.sizes, strict=True)
        )
        return replace(self, needs=self.needs or what, sizes=sizes)

    def pooled(self, text: str) -> Pooled:
        """What is left when the positions are gone."""
        return Pooled(self.cause or Cause(text))


class Parts:
    """Equal fields: the parts of a split. count: how many, None when that is not known."""

    def __init__(self, part: Field, count: int | None = None) -> None:
        self.part, self.count = part, count

    def __getitem__(self, which: int | slice) -> Any:
        if not isinstance(which, slice):
            return self.part
        return Parts(self.part, None if self.count is None else len(range(*which.indices(self.count))))


Value = Field | Pooled


def merge_values(values: Sequence[Value]) -> Value:
    """Tensors added, multiplied or stacked by channel: each position sees what it saw in any of them."""
    fields = [value for value in values if isinstance(value, Field)]
    causes = [value.cause for value in values if value.cause is not None]
    first_cause = min(causes, key=lambda cause: cause.order) if causes else None
    if not fields:
        assert first_cause is not None
        return Pooled(first_cause)
    merged = fields[0]
    for other in fields[1:]:
        merged = _merge_two(merged, other)
    return merged if merged.cause is first_cause or first_cause is None else replace(merged, cause=first_cause)


def find_values(thing: Any) -> list[Value]:
    """Every Field and Pooled in (nested) arguments."""
    found: list[Value] = []
    _collect(thing, found)
    return found


def _collect(thing: Any, found: list[Value]) -> None:
    if isinstance(thing, (Field, Pooled)):
        found.append(thing)
    elif isinstance(thing, (tuple, list)):
        for part in thing:
            _collect(part, found)
    elif isinstance(thing, dict):
        for part in thing.values():
            _collect(part, found)
    elif isinstance(thing, Parts):
        found.append(thing.part)


def has_opaque(thing: Any) -> bool:
    """Whether a number in (nested) arguments is not known."""
    if isinstance(thing, (tuple, list)):
        return any(has_opaque(part) for part in thing)
    if isinstance(thing, slice):
        return has_opaque((thing.start, thing.stop, thing.step))
    return isinstance(thing, Opaque) or (isinstance(thing, dict) and has_opaque(list(thing.values())))


def _merge_two(one: Field, two: Field) -> Field:
    short, long = sorted((one, two), key=lambda value: len(value.layout))
    if short.layout != long.layout[len(long.layout) - len(short.layout) :]:
        raise UnsupportedOperation(f"it merges tensors with axes {one.axes} and {two.axes}")
    needs, copies = one.needs or two.needs, one.copies or two.copies
    if needs is not None:
        return replace(long, needs=needs, copies=copies, aligned=one.aligned and two.aligned)
    if one.rows == two.rows and one.columns == two.columns:
        return replace(long, copies=copies, aligned=one.aligned and two.aligned)
    for single, other in ((one, two), (two, one)):
        if (
            single.layout == other.layout
            and _saw_all(single.rows, other.rows)
            and _saw_all(single.columns, other.columns)
        ):
            return replace(other, copies=copies).everywhere("a merge with one unit that sees the whole picture")
    try:
        rows, rows_aligned = merge(one.rows, two.rows)
        columns, columns_aligned = (rows, rows_aligned) if _same(one, two) else merge(one.columns, two.columns)
    except NeedsSize as problem:
        return replace(long, rows=Axis(), columns=Axis(), needs=f"it {problem}", copies=copies)
    aligned = one.aligned and two.aligned and rows_aligned and columns_aligned
    if rows is long.rows and columns is long.columns and (aligned, copies) == (long.aligned, long.copies):
        return long  # the usual case, in every residual block
    merged = replace(long, rows=rows, columns=columns, aligned=aligned, copies=copies)
    if (one.rows.count, one.columns.count) == (two.rows.count, two.columns.count):
        return merged
    lengths = {ROWS: _length(rows), COLUMNS: _length(columns)}  # one of them was broadcast
    sizes = zip(long.layout, long.sizes, strict=True)
    return merged.arranged(long.layout, [lengths.get(meaning, size) for meaning, size in sizes])


def _saw_all(single: Axis, other: Axis) -> bool:
    """Whether a map of one unit is broadcast to a longer one, and its unit sees every pixel that reached that one."""
    if single.count != 1 or other.count in (1, None) or other.seen is None:
        return False
    low, high = single.interval(0)
    return low <= other.seen[0] and high >= other.seen[1]


def _same(one: Field, two: Field) -> bool:
    return one.rows == one.columns and two.rows == two.columns


def _length(axis: Axis) -> Size:
    return Opaque() if axis.count is None else axis.count
