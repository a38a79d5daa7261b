"""The answer: one ReceptiveField for each node, found by the names a student would type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from vlmteach.probes.receptive_field.field import Field, Value
from vlmteach.probes.receptive_field.intervals import Axis

Pair = tuple[int, int]
Number = int | float


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What the units of one map see. Each pair is (rows, columns), in pixels of the picture.

    size, stride, padding: unit (row, column) sees rows row*stride - padding … row*stride - padding + size - 1, and the
        same for columns. After upsampling the stride may be a fraction, and where branches of
        different strides met it is the first one's; `size` is then the largest window and `padding` that of unit 0, and
        box() is right for each unit. None where there is no window: a pooled value, or one that
        needs input_size.
    reach: "local" when this window is all a unit sees; "global" when some operation on the way works over positions
        and lets a unit depend on the whole picture; "unknown" when the picture's size must be known first. A global
        map can still have a window: the part that its convolutions see and that moves with the unit. Of an operation
        over rows alone or columns alone (`because` says so) the whole picture is an upper bound: a unit may see only a
        strip of it.
    because: the operation that made it global, or what needs input_size; None for a local map.
    aligned: False when branches with different centres were merged on the way: then the window is not centred on
        the same place for each branch, or even differs from unit to unit.
    border: "zeros" when everything beyond the picture is filled with a constant, "copies" when some padding repeated,
        mirrored or wrapped pixels: then units near the border see more than a box can say.

    The window is a box. A dilated convolution skips pixels inside it: the box says how far a unit sees, not that
    every pixel in it counts.
    """

    size: Pair | None
    stride: tuple[Number, Number] | None
    padding: Pair | None
    reach: Literal["local", "global", "unknown"]
    because: str | None
    aligned: bool
    border: Literal["zeros", "copies"]
    _axes: tuple[Axis, Axis] | None
    _picture: Pair | None

    def __repr__(self) -> str:
        text = f"ReceptiveField(size={self.size}, stride={self.stride}, padding={self.padding}, reach={self.reach!r}"
        text += "" if self.because is None else f", because={self.because!r}"
        text += "" if self.aligned else ", aligned=False"
        return text + (")" if self.border == "zeros" else ", border='copies')")

    def box(self, row: int, column: int, clip: Pair | None = None) -> tuple[int, int, int, int]:
        """The pixels that the unit in (row, column) sees: (top, left, bottom, right), half-open.

        Without `clip` the box may reach past the picture: those pixels are padding. clip: (height, width) of the
        picture cuts them off; for a global map it is needed, because the box is then the whole picture. With an
        input_size given to receptive_field, the clipped box also ends where a stride leaves out the last pixels.
        Raises ValueError for a unit outside the map or the picture, for a map that needs input_size, and for a clipped
        box at a border padded with copies of pixels.
        """
        if clip is not None and self._picture is not None and tuple(clip) != self._picture:
            raise ValueError(f"clip is {tuple(clip)}, but these fields were computed for input_size={self._picture}.")
        if self.reach == "unknown":
            raise ValueError(f"This field {self.because}: call receptive_field(model, input_size=(height, width)).")
        if self.reach == "global":
            return self._whole_picture(row, column, clip)
        assert self._axes is not None
        rows, columns = self._axes
        top, bottom = self._side(rows, row, "row", clip and clip[0])
        left, right = self._side(columns, column, "column", clip and clip[1])
        return top, left, bottom, right

    def _whole_picture(self, row: int, column: int, clip: Pair | None) -> tuple[int, int, int, int]:
        for axis, unit, name in zip(self._axes or (), (row, column), ("row", "column"), strict=False):
            _require_unit(axis, unit, name)
        if clip is None:
            raise ValueError(
                f"This field is global because of {self.because}: its box is the whole picture, whose size is not "
                "known here. Pass clip=(height, width)."
            )
        return 0, 0, clip[0], clip[1]

    def _side(self, axis: Axis, unit: int, name: str, pixels: int | None) -> Pair:
        _require_unit(axis, unit, name)
        low, high = axis.interval(unit)
        if pixels is None:
            return low, high + 1
        if low >= pixels or high < 0:
            raise ValueError(
                f"Unit {unit} ({name}) sees pixels {low} to {high}, nothing of the {pixels} pixels of this picture: "
                "is it inside the map?"
            )
        if self.border == "copies" and (low < 0 or high >= pixels):
            raise ValueError(
                f"Unit {unit} ({name}) sees across the border, which is padded with copies of pixels: what it sees is "
                "no box. Leave clip out to get its window, or choose a unit farther inside."
            )
        first, last = axis.seen or (0, pixels - 1)
        top, bottom = max(low, first, 0), min(high, last, pixels - 1) + 1
        return top, max(top, bottom)


def _require_unit(axis: Axis, unit: int, name: str) -> None:
    if unit < 0 or (axis.count is not None and unit >= axis.count):
        end = "" if axis.count is None else f" of 0 to {axis.count - 1}"
        raise ValueError(f"{name} {unit} is outside the map: expected a {name}{end or ' of 0 or more'}.")


class ReceptiveFields(dict[str, ReceptiveField]):
    """Node name -> ReceptiveField, in the order of computation.

    The keys are the names of torch.fx nodes ("layer4_2_conv3", "add_15"); of a node that holds several maps each has
    its own ("max_pool2d[0]", "output[out]"). A module's path, as in named_modules(), is found too and means what the
    module returns: "layer4", "layer4.2.conv3", "features.30". Of a module that is called more than once, "relu" is the
    first call, "relu_1" the second; of one that returns several maps, "backbone[0]" or "backbone[out]" is one of them.
    `in` and get() know these names as well.
    """

    def __init__(
        self,
        fields: Mapping[str, ReceptiveField],
        paths: Mapping[str, Mapping[str, str]],
        modules: Iterable[str] = (),
        wrapper: str = "",
    ) -> None:
        """paths: for the name of each module's call, the keys of the maps that it returned. wrapper: the network's path
        in what was asked about, "module" for nn.DataParallel.
        """  # fmt: skip
        super().__init__(fields)
        self._paths = {part: key for found in paths.values() for part, key in found.items()}
        self._paths |= {path: key for path, found in paths.items() for key in found.values() if len(found) == 1}
        self._several = {path: list(found) for path, found in paths.items() if len(found) > 1}
        self._empty = frozenset(path for path, found in paths.items() if not found)
        self._uncalled = frozenset(modules) - paths.keys()
        if wrapper:
            self._paths |= {f"{wrapper}.{path}" if path else wrapper: key for path, key in self._paths.items()}

    def node(self, name: str) -> str:
        """The key that a name means. Raises KeyError with near names when it means none."""
        if super().__contains__(name):
            return name
        if name in self._paths:
            return self._paths[name]
        if name in self._several:
            raise KeyError(f"{name!r} returns several maps; ask for one of {', '.join(self._several[name])}.")
        if name in self._empty:
            raise KeyError(f"{name!r} returns nothing that has a receptive field.")
        if name in self._uncalled:
            raise KeyError(f"{name!r} is a module that the forward pass (in eval mode) never calls.")
        near = difflib.get_close_matches(str(name), [*self, *self._paths], n=4)
        hint = f" Near names: {', '.join(near)}." if near else ""
        raise KeyError(f"no node or module {name!r} with a receptive field.{hint}")

    def __missing__(self, name: str) -> ReceptiveField:
        return self[self.node(name)]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._paths

    def get(self, name: str, default: Any = None) -> Any:
        """The field of a node or module, or `default`."""
        try:
            return self[name]
        except KeyError:
            return default


def make_result(value: Value, picture: Pair | None) -> ReceptiveField:
    """What the student gets for one node of the graph; `picture` is the input size, if it is known."""
    if not isinstance(value, Field):
        return ReceptiveField(None, None, None, "global", value.cause.text, True, "zeros", None, picture)
    border: Literal["zeros", "copies"] = "copies" if value.copies else "zeros"
    if value.needs is not None:
        reach: Literal["global", "unknown"] = "unknown" if value.cause is None else "global"
        because = f"needs input_size: {value.needs}" if value.cause is None else value.cause.text
        return ReceptiveField(None, None, None, reach, because, value.aligned, border, None, picture)
    rows, columns = value.rows, value.columns
    return ReceptiveField(
        size=(rows.size, columns.size),
        stride=(_number(rows.stride), _number(columns.stride)),
        padding=(-rows.low[0], -columns.low[0]),
        reach="local" if value.cause is None else "global",
        because=None if value.cause is None else value.cause.text,
        aligned=value.aligned,
        border=border,
        _axes=(rows, columns),
        _picture=picture,
    )


def _number(stride: Fraction) -> Number:
    return int(stride) if stride.denominator == 1 else float(stride)
