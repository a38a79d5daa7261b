"""What the explorer shows of a CNN: the largest box that a unit can see, and the field that it really uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmteach.probes.distance import weighted_distance
from vlmteach.probes.effective import effective_receptive_fields
from vlmteach.probes.patchview.data import PanelLayer
from vlmteach.probes.patchview.heat import Heat
from vlmteach.probes.patchview.maps import Reading, Size, Units, as_float32, read_maps
from vlmteach.probes.receptive_field import ReceptiveField

EFFECTIVE_MAPS = ("gradient", "change when hidden")


def box_layer(name: str, units: Units, field: ReceptiveField, picture: Size) -> PanelLayer:
    """The theoretical receptive field of each measured unit, clipped to the picture: exact, and only an upper bound.

    Its mean distance counts every pixel of the box alike.
    """
    boxes = clipped_boxes(units, field, picture)
    inside = torch.zeros(*boxes.shape[:2], *picture)
    for row, column in np.ndindex(*boxes.shape[:2]):
        top, left, bottom, right = boxes[row, column]
        inside[row, column, top:bottom, left:right] = 1
    numbers = {
        "share": 100 * inside.mean(dim=(-2, -1)),
        "distance": weighted_distance(inside, units.places(picture)),
    }
    return PanelLayer(
        name,
        *units,
        boxes=boxes,
        numbers={key: as_float32(value)[None] for key, value in numbers.items()},
        whole_field=_whole(field),
    )


def effective_layer(
    name: str,
    units: Units,
    fields: Tensor,
    squares: Size,
    field: ReceptiveField | None,
    change: NDArray[np.float32] | None,
) -> PanelLayer:
    """The gradient field of each measured unit, and beside it what moves the unit when a square is hidden.

    fields: (rows, columns, H, W) from effective_fields. field: None for a network without boxes, such as a ViT.
    change: (rows, columns, *squares) in per cent of these units, None when nothing was hidden.
    """
    picture = (fields.shape[-2], fields.shape[-1])
    readings = [read_maps(fields, units, picture, squares)]
    if change is not None:
        readings.append(read_maps(torch.from_numpy(change), units, picture, squares))
    return make_layer(name, units, readings, change, None if field is None else clipped_boxes(units, field, picture))


def make_layer(
    name: str,
    units: Units,
    readings: list[Reading],
    change: NDArray[np.float32] | None,
    boxes: NDArray[np.int16] | None = None,
) -> PanelLayer:
    """One layer of a panel from the maps that were read, in the order of the panel's map names."""
    return PanelLayer(
        name,
        *units,
        boxes=boxes,
        maps=tuple(reading.heat for reading in readings),
        numbers={key: np.stack([reading.numbers[key] for reading in readings]) for key in readings[0].numbers},
        weights=tuple(reading.weights for reading in readings if reading.weights is not None),
        change=None if change is None else Heat.of(change),
    )


def effective_fields(model: nn.Module, layer: str, units: Units, noise: Tensor, tick: Callable[[], object]) -> Tensor:
    """The effective field of each measured unit, row after row: (rows, columns, H, W)."""
    positions = [(row, column) for row in units.rows for column in units.columns]
    fields = effective_receptive_fields(model, layer, positions, noise)  # one call: one pass forward for all of them
    for _ in positions:
        tick()
    return fields.unflatten(0, (len(units.rows), len(units.columns)))


def clipped_boxes(units: Units, field: ReceptiveField, picture: Size) -> NDArray[np.int16]:
    """The box of each measured unit within the picture: (rows, columns, 4), (top, left, bottom, right)."""
    return np.array([[field.box(row, column, picture) for column in units.columns] for row in units.rows], np.int16)


def _whole(field: ReceptiveField) -> tuple[int, int] | Literal["global"]:
    return "global" if field.reach == "global" or field.size is None else field.size
