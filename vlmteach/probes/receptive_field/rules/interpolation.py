"""Resizing: which units are read is asked of torch itself, whose rounding decides it.

Nearest modes round a place that was multiplied in float32, with other rules for equal and for double sizes, and these
not for maps of every size (pytorch/pytorch#62237, #121390). What torch says holds for float32 on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.probes.receptive_field.errors import UnsupportedOperation
from vlmteach.probes.receptive_field.field import Field, Opaque
from vlmteach.probes.receptive_field.intervals import Axis, WrongSize
from vlmteach.probes.receptive_field.rules.registry import register_rule
from vlmteach.probes.receptive_field.rules.resize import adaptive_pool
from vlmteach.probes.receptive_field.rules.windows import both

Reads = tuple[Tensor, Tensor]  # for each new unit the first and the last old unit that it reads

_MARGINS = {"nearest": 0, "nearest-exact": 0, "bilinear": 0, "bicubic": 1}
_NEAREST = ("nearest", "nearest-exact")
_ROUNDING = 1e-9  # weights below this are rounding errors of zero
_SAMPLE = 64  # units of a map on which a pattern is tried that shall hold for any


@dataclass(frozen=True)
class Resizing:
    """How torch.nn.functional.interpolate is called, each number for rows and columns."""

    sizes: Sequence[Any]
    factors: Sequence[Any]
    mode: str
    align_corners: bool | None
    recompute: bool | None
    antialias: bool

    def run(self, grid: Tensor, axes: Sequence[int]) -> Tensor:
        """Torch's own resizing of the given axes (0 rows, 1 columns), the other one as it is."""
        size = None if self.sizes[0] is None else [self.sizes[i] if i in axes else grid.shape[2 + i] for i in (0, 1)]
        factor = None if self.factors[0] is None else [self.factors[i] if i in axes else 1.0 for i in (0, 1)]
        return F.interpolate(
            grid,
            size,
            factor,
            self.mode,
            self.align_corners,
            self.recompute,
            antialias=self.antialias,
        )

    def regular(self, step: Fraction) -> Reads:
        """Which units are read when neighbours are exactly `step` units apart: a pattern of as many as its denominator.

        Unit u lies at u*step, with smooth modes and nearest-exact at (u + 1/2)*step - 1/2.
        """
        corners = self.align_corners or self.mode == "nearest"
        parts = step.denominator if corners else 2 * step.denominator
        units = torch.arange(step.denominator, device="cpu")
        places = (units if corners else 2 * units + 1) * step.numerator
        if self.mode in _NEAREST:
            return places // parts, places // parts
        if not corners:
            places = places - step.denominator
        margin = _MARGINS[self.mode] * (places % parts != 0)
        return places // parts - margin, -(-places // parts) + margin


@register_rule(nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d)
def upsample_module(module: nn.Upsample, field: Field) -> Any:
    """Interpolation."""
    more = (module.mode, module.align_corners, module.recompute_scale_factor)
    return interpolate(field, module.size, module.scale_factor, *more)


@register_rule(F.upsample, F.upsample_nearest)
def upsample(
    field: Field, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """The same by its old names."""
    return interpolate(field, size, scale_factor, mode, align_corners)


@register_rule(F.upsample_bilinear)
def upsample_bilinear(field: Field, size: Any = None, scale_factor: Any = None) -> Any:
    """The only one that aligns corners without being asked."""
    return interpolate(field, size, scale_factor, "bilinear", True)


@register_rule(F.interpolate)
def interpolate(
    field: Field,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """Each unit reads those around its place; the smooth modes leave out what they multiply by zero."""
    field.require_grid()
    if mode == "area":
        return _average(field, size, scale_factor)
    if mode not in _MARGINS:
        raise UnsupportedOperation(f"it interpolates with mode {mode!r}")
    if field.needs is not None:
        return field.moved(field.rows, field.columns)
    how = Resizing(both(size), both(scale_factor), mode, align_corners, recompute_scale_factor, antialias)
    axes = (field.rows, field.columns)
    if None in (field.rows.count, field.columns.count) or any(isinstance(side, Opaque) for side in how.sizes):
        steps = [_step_for_any_size(how, i) for i in (0, 1)]
        if None in steps:
            return field.unsized("interpolation " + ("to a given size" if scale_factor is None else "by a factor"))
        rows, columns = (_read(axis, how.regular(s), s.numerator) for axis, s in zip(axes, steps, strict=True) if s)
        return field.moved(rows, columns)
    try:
        reads = _nearest_reads(how, axes) if mode in _NEAREST else [_smooth_reads(how, axes[i], i) for i in (0, 1)]
    except RuntimeError as problem:
        raise WrongSize(f"cannot be resized: {problem}") from None
    rows, columns = (_resized(axis, read, how, i) for i, (axis, read) in enumerate(zip(axes, reads, strict=True)))
    return field.moved(rows, columns)


def _average(field: Field, size: Any, factor: Any) -> Any:
    """Mode "area" is adaptive pooling; a factor gives the size, rounded down."""
    if size is not None:
        return adaptive_pool(field, size)
    if any(isinstance(side, Opaque) for side in field.sizes[2:]):
        return field.unsized("interpolation by a factor")
    return adaptive_pool(field, [int(side * f) for side, f in zip(field.sizes[2:], both(factor), strict=True)])


def _step_for_any_size(how: Resizing, axis: int) -> Fraction | None:
    """The distance between places, if it is the same for maps of every size and rounding does not disturb it."""
    factor = how.factors[axis]
    if factor is None or how.align_corners or how.recompute or how.antialias:
        return None
    if not (float(factor).is_integer() or (1 / factor).is_integer()):
        return None
    step = 1 / Fraction(factor).limit_denominator(1024)
    sample = Axis.of_picture(_SAMPLE * step.numerator)
    reads = _nearest_reads(how, (sample, sample)) if how.mode in _NEAREST else [_smooth_reads(how, sample, axis)] * 2
    return step if _fits(how.regular(step), step, reads[axis], sample.count or 0) else None


def _nearest_reads(how: Resizing, axes: Sequence[Axis]) -> list[Reads]:
    """Put the units' numbers into a map and see which come out; in both axes, since the map's size decides how."""
    rows, columns = (torch.arange(axis.count or 0, dtype=torch.float32, device="cpu") for axis in axes)
    numbers = torch.stack([rows[:, None].expand(-1, len(columns)), columns.expand(len(rows), -1)])
    resized = how.run(numbers[None], axes=(0, 1))[0].long()
    return [(read, read) for read in (resized[0, :, 0], resized[1, 0])]


def _smooth_reads(how: Resizing, axis: Axis, which: int) -> Reads:
    """Resize the columns of the identity: their weights in each new unit, in double precision."""
    units = torch.eye(axis.count or 0, dtype=torch.float64, device="cpu")
    # Two units wide in the other axis: of maps one unit wide torch reads other units with antialias.
    grid = (units[:, :, None].expand(-1, -1, 2) if which == 0 else units[:, None].expand(-1, 2, -1)).contiguous()
    weights = how.run(grid[None], axes=(which,))[0].select(2 - which, 0)  # (old units, new units)
    seen = (weights.abs() > _ROUNDING).to(torch.uint8)
    return seen.argmax(dim=0), len(seen) - 1 - seen.flip(0).argmax(dim=0)


def _resized(axis: Axis, reads: Reads, how: Resizing, which: int) -> Axis:
    """The map whose units read these: as a regular pattern where it is one."""
    old, new, factor = axis.count or 0, len(reads[0]), how.factors[which]
    steps = [Fraction(old, new)]
    if how.align_corners:
        steps = [Fraction(old - 1, max(new - 1, 1))]
    elif factor is not None and not how.recompute:
        steps = [1 / Fraction(factor).limit_denominator(1024), *steps]
    for step in steps:
        pattern = how.regular(step)
        if _fits(pattern, step, reads, old):
            return _read(axis, pattern, step.numerator, new)
    return _read(axis, reads, old, new)


def _fits(pattern: Reads, step: Fraction, reads: Reads, old: int) -> bool:
    """Whether a pattern, repeated, reads what torch read; beyond the ends torch reads the last unit."""
    units = torch.arange(len(reads[0]), device="cpu")
    starts, phases = units // step.denominator * step.numerator, units % step.denominator
    return all(
        torch.equal((starts + part[phases]).clamp(0, old - 1), side) for part, side in zip(pattern, reads, strict=True)
    )


def _read(axis: Axis, reads: Reads, shift: int, count: int | None = None) -> Axis:
    first, last = (side.tolist() for side in reads)
    return axis.read(first, last, shift, count)
