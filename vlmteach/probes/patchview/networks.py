"""The two kinds of encoder that the explorer looks into, and the panels that each of them fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from vlmteach.probes.attention import AttentionMaps
from vlmteach.probes.patchview.attending import attention_layer, attention_names
from vlmteach.probes.patchview.convolutional import EFFECTIVE_MAPS, box_layer, effective_fields, effective_layer
from vlmteach.probes.patchview.data import Panel
from vlmteach.probes.patchview.hidden import changes_when_hidden
from vlmteach.probes.patchview.layers import Grids, block_around, read_grids
from vlmteach.probes.patchview.maps import Size, Units
from vlmteach.probes.receptive_field import ReceptiveField, receptive_field

Tick = Callable[[], object]
Changes = dict[str, NDArray[np.float32]]  # layer -> (rows, columns, *squares) for all its units, in per cent


@dataclass(frozen=True)
class Plan:
    """What is measured of one picture, the same for every network.

    picture: its (height, width). cells: what a person moves over.
    anchors: how many (rows, columns) of units have their effective field taken. squares: hidden one at a time, or
    (0, 0). noise: (K, C, H, W). batch_size: pictures in memory at a time. fields_of: "cnn" and "vit", or some of it.
    """

    picture: Size
    cells: Size
    anchors: Size
    squares: Size
    noise: Tensor
    batch_size: int
    fields_of: frozenset[str]


class Network:
    """An encoder, the layers that are shown, and the grid of units that each of them has.

    kind: "cnn" or "vit". layers: names of modules. image: (1, C, H, W), the picture as this encoder expects it. read:
    what the layers hold for a picture batch. cells: the last grid.
    """

    kind: str
    not_local: tuple[str, str] | None = None  # the first layer with a global field, and the reason
    prefix_tokens_left_out = False  # of its attention

    def __init__(self, model: nn.Module, layers: Sequence[str], image: Tensor, read: Callable[[Tensor], Grids]) -> None:
        self.model, self.layers, self.image, self.read = model, layers, image, read
        self.grids: dict[str, Size] = {name: (grid.shape[1], grid.shape[2]) for name, grid in read(image).items()}
        self.cells = self.grids[layers[-1]]

    def work(self, plan: Plan) -> int:
        """How many steps a progress bar counts: forward passes with hidden squares and effective fields."""
        units = [Units.nearest_to(plan.anchors, self.grids[name]) for name in self.layers]
        fields = sum(len(one.rows) * len(one.columns) for one in units) if self.kind in plan.fields_of else 0
        return fields + self._passes(plan)

    def panels(self, plan: Plan, at: tuple[int, ...], tick: Tick) -> list[Panel]:
        """Measure, and fill the network's panels. at: which layer is shown at each stop of the slider."""
        raise NotImplementedError

    def changes(self, plan: Plan, tick: Tick) -> Changes | None:
        """How every unit of every layer moves when a square is hidden, None when none is."""
        if plan.squares == (0, 0):
            return None

        def read(pictures: Tensor) -> Grids:
            tick()
            return self.read(pictures)

        return changes_when_hidden(read, self.image, plan.squares, plan.batch_size)

    def effective_panel(
        self,
        plan: Plan,
        at: tuple[int, ...],
        tick: Tick,
        changes: Changes | None,
        fields: Mapping[str, ReceptiveField] | None,
    ) -> Panel:
        """The panel of effective fields. fields: the theoretical ones, to draw their boxes, where there are any."""
        layers = []
        for name in self.layers:
            units = Units.nearest_to(plan.anchors, self.grids[name])
            measured = effective_fields(self.model, name, units, plan.noise.to(self.image), tick)
            box = None if fields is None else fields[name]
            layers.append(effective_layer(name, units, measured, plan.squares, box, _only(changes, name, units)))
        maps = EFFECTIVE_MAPS if changes is not None else EFFECTIVE_MAPS[:1]
        return Panel("field", self.kind, tuple(layers), at, maps)

    def _passes(self, plan: Plan) -> int:
        # the whole picture is read twice: as the reference, and by the occlusion probe
        return 2 + ceil(prod(plan.squares) / plan.batch_size) if plan.squares != (0, 0) else 0


class Convolutional(Network):
    """A CNN: a panel with the largest box that a unit can see, and one with the field that it really uses."""

    kind = "cnn"

    def __init__(self, model: nn.Module, layers: Sequence[str], image: Tensor) -> None:
        super().__init__(model, layers, image, read_grids(model, layers))
        self.fields = _fields(model, layers, (image.shape[-2], image.shape[-1]))
        unbounded = [name for name in layers if self.fields[name].reach == "global"]
        if unbounded:
            self.not_local = (unbounded[0], str(self.fields[unbounded[0]].because))

    def panels(self, plan: Plan, at: tuple[int, ...], tick: Tick) -> list[Panel]:
        """A panel of boxes, and one of effective fields when the plan asks for them."""
        changes = self.changes(plan, tick)
        units = {name: Units.nearest_to(plan.cells, self.grids[name]) for name in self.layers}
        boxes = tuple(box_layer(name, units[name], self.fields[name], plan.picture) for name in self.layers)
        panels = [Panel("box", self.kind, boxes, at)]
        if self.kind in plan.fields_of:
            panels.append(self.effective_panel(plan, at, tick, changes, self.fields))
        return panels


def _fields(model: nn.Module, layers: Sequence[str], size: Size) -> dict[str, ReceptiveField]:
    """The theoretical field of each layer.

    GridEncoder stops its network on the way, at a node, which torch.fx cannot follow. Up to there the layers see the
    same in the network itself.
    """
    stops = isinstance(getattr(model, "node", None), str) and all(name.startswith("model.") for name in layers)
    path = "model" if stops else ""
    fields = receptive_field(model.get_submodule(path), size)
    return {name: fields[name.removeprefix(f"{path}.")] for name in layers}


class Attending(Network):
    """A ViT: a panel with its attention, and one with its effective fields when the plan asks for them.

    maps: the attention of all its layers. shown: those to show, by their place in forward order.
    Raises ValueError for a layer that is not among the maps.
    """

    kind = "vit"

    def __init__(self, model: nn.Module, image: Tensor, maps: AttentionMaps, shown: Sequence[int]) -> None:
        missing = [layer for layer in shown if layer not in maps.layers]
        if missing:
            raise ValueError(f"there are no attention layers {missing}; expected some of {list(maps.layers)}.")
        self.maps, self.shown = maps, [maps.layers.index(layer) for layer in shown]
        if maps.picture is not None and maps.picture.share != (1, 1):
            rows, columns = (round(image.shape[axis - 2] * maps.picture.share[axis]) for axis in (0, 1))
            raise ValueError(
                f"the ViT's {maps.grid[0]} x {maps.grid[1]} patches take {rows} x {columns} pixels of a picture of "
                f"{image.shape[-2]} x {image.shape[-1]}, so the explorer's cells would not lie on its patches; "
                "expected a size that its patches tile. A ViT of timm takes another after set_input_size((H, W))."
            )
        # what a hidden square moves, and what a gradient starts from, is the output of the block around the attention
        blocks = [block_around(model, maps.names[i]) for i in self.shown]
        super().__init__(model, blocks, image, read_grids(model, blocks, maps.picture))
        self.prefix_tokens_left_out = maps.num_prefix_tokens > 0

    def panels(self, plan: Plan, at: tuple[int, ...], tick: Tick) -> list[Panel]:
        """A panel of attention, and one of effective fields when the plan asks for them."""
        changes = self.changes(plan, tick)
        layers = tuple(
            attention_layer(self.maps, i, plan.squares, plan.picture, None if changes is None else changes[name])
            for i, name in zip(self.shown, self.layers, strict=True)
        )
        heads = self.maps.weights[0].shape[1]
        panels = [Panel("attention", self.kind, layers, at, attention_names(heads, changes is not None))]
        if self.kind in plan.fields_of:
            panels.append(self.effective_panel(plan, at, tick, changes, None))
        return panels


def _only(changes: Changes | None, name: str, units: Units) -> NDArray[np.float32] | None:
    return None if changes is None else changes[name][np.ix_(units.rows, units.columns)]
