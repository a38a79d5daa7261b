"""Where the theorem holds: which offsets lie inside a CNN's exact receptive field, and which outside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from vlmteach.experiments.cliff.encoders import MarkerReadOut
from vlmteach.nn import ConvNet
from vlmteach.pictures.cliff import LONGEST, MARGIN, SIDE
from vlmteach.pictures.look import CELL
from vlmteach.probes import receptive_field

INSIDE, PARTLY, OUTSIDE = 1, 0, -1


class Field(NamedTuple):
    """A box in pixels, half-open, counted from the top left corner of the marker's own cell."""

    top: int
    left: int
    bottom: int
    right: int


def exact_field(model: nn.Module) -> Field | None:
    """What the token at the marker can see, from the probe's arithmetic; None when it sees the whole picture."""
    if not isinstance(model, MarkerReadOut) or not isinstance(model.after, nn.Identity):
        return None
    if not isinstance(model.encoder, ConvNet):
        return None
    fields = receptive_field(model.encoder, input_size=(SIDE, SIDE))
    return Field(*fields["output[tokens]"].box(0, 0))


def where(field: Field) -> NDArray[np.int64]:
    """For every offset, [dy + 7, dx + 7]: INSIDE when the whole square is in the field, OUTSIDE when none of it is."""
    start = CELL * np.arange(-LONGEST, LONGEST + 1) + MARGIN  # first pixel of the square, from the marker's cell
    stop = start + CELL - 2 * MARGIN
    rows = _overlap(start, stop, field.top, field.bottom)
    columns = _overlap(start, stop, field.left, field.right)
    return np.minimum(rows[:, None], columns[None, :])


def _overlap(start: NDArray[np.int64], stop: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    whole = (low <= start) & (stop <= high)
    none = (stop <= low) | (high <= start)
    return np.where(whole, INSIDE, np.where(none, OUTSIDE, PARTLY))
