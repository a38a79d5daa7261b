"""A PatchViewData made of formulas: no network, so that a test of the page knows every number."""

import numpy as np

from vlmteach.probes.patchview import Measurement, Panel, PanelLayer, PatchViewData
from vlmteach.probes.patchview.heat import Heat

SIDE, CELL, CELLS = 64, 8, 8
HEADS = ("mean of heads", "head 0", "head 1", "rollout")


def scene():
    """(64, 64, 3) uint8: a red and a blue square on grey."""
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    picture[8:22, 34:48] = (220, 60, 40)
    picture[40:58, 10:24] = (40, 90, 220)
    picture[42:50, 44:60] = (240, 210, 60)
    return picture


def synthetic_patchview(title="One cell, three views", names=("stem", "blocks.0", "blocks.1"), panels=(0, 1, 2)):
    """Three layers, the box growing, the effective field half as wide, attention nearly flat or on one cell."""
    reach = [7, 15, 31]
    boxes = [_boxes(pixels) for pixels in reach]
    box_layers = tuple(
        PanelLayer(
            name, (CELLS, CELLS), _all(), _all(), boxes=box, numbers=_numbers(1, seed), whole_field=_size(pixels)
        )
        for seed, (name, box, pixels) in enumerate(zip(names, boxes, reach, strict=True))
    )
    effective = tuple(
        _effective(name, box, pixels, 10 + pixels) for name, box, pixels in zip(names, boxes, reach, strict=True)
    )
    attention = tuple(_attention(f"block {i}", 20 + i) for i in range(3))
    everything = (
        Panel("box", "cnn", box_layers, (0, 1, 2)),
        Panel("field", "cnn", effective, (0, 1, 2), maps=("gradient",)),
        Panel("attention", "vit", attention, (0, 1, 2), maps=HEADS),
    )
    chosen = tuple(everything[i] for i in panels)
    return PatchViewData(
        title, scene(), chosen, (CELLS, CELLS), (CELLS, CELLS), Measurement(anchors=(CELLS, CELLS), noise=1)
    )


def synthetic_words(words=("what", "colour", "is", "it"), title="Words look at cells"):
    """Four words, two heads, one layer: a cross-attention view."""
    values = (
        np.random.default_rng(3).dirichlet(np.full(64, 0.3), size=(2, 1, len(words))).reshape(2, 1, len(words), 8, 8)
    )
    heats = tuple(Heat.of(values[i]) for i in range(2))
    change = Heat.of(values[0] ** 2 * 100)
    numbers = {"peak": values.max(axis=(3, 4)).astype(np.float32)}
    layer = PanelLayer(
        "cross-attention",
        (1, len(words)),
        (0,),
        tuple(range(len(words))),
        maps=heats,
        numbers=numbers,
        weights=heats,
        change=change,
    )
    panel = Panel("attention", "language", (layer,), (0,), maps=("head 0", "head 1"), words=tuple(words))
    return PatchViewData(title, scene(), (panel,), (8, 8), (8, 8))


def _all():
    return tuple(range(CELLS))


def _size(pixels):
    return (2 * pixels + 1, 2 * pixels + 1)


def _boxes(pixels):
    centres = CELL * np.arange(CELLS) + CELL // 2
    low, high = np.clip(centres - pixels, 0, SIDE), np.clip(centres + pixels + 1, 0, SIDE)
    top, left = np.meshgrid(low, low, indexing="ij")
    bottom, right = np.meshgrid(high, high, indexing="ij")
    return np.stack([top, left, bottom, right], axis=-1).astype(np.int16)


def _numbers(maps, seed):
    draw = np.random.default_rng(seed).uniform
    shape = (maps, CELLS, CELLS)
    return {"share": draw(1, 100, shape).astype(np.float32), "distance": draw(2, 30, shape).astype(np.float32)}


def _by_cells(values):
    shares = values.reshape(CELLS, CELLS, CELLS, CELL, CELLS, CELL).sum(axis=(3, 5))
    return shares / shares.sum(axis=(2, 3), keepdims=True)


def _effective(name, boxes, pixels, seed):
    centres = CELL * np.arange(CELLS) + CELL // 2
    place = np.arange(SIDE)
    bell = np.exp(-((place[None] - centres[:, None]) ** 2) / (2 * (pixels / 3) ** 2))
    values = bell[:, None, :, None] * bell[None, :, None, :]
    inside = np.zeros_like(values)
    for row, column in np.ndindex(CELLS, CELLS):
        top, left, bottom, right = boxes[row, column]
        inside[row, column, top:bottom, left:right] = 1
    values = values * inside * np.random.default_rng(seed).uniform(0.5, 1, values.shape)
    weights = _by_cells(values)
    return PanelLayer(
        name,
        (CELLS, CELLS),
        _all(),
        _all(),
        boxes=boxes,
        maps=(Heat.of(values),),
        numbers=_numbers(1, seed),
        weights=(Heat.of(weights),),
        change=Heat.of(weights * 30),
    )


def _attention(name, seed):
    rng = np.random.default_rng(seed)
    heads = [rng.dirichlet(np.full(64, spread), size=(CELLS, CELLS)).reshape(8, 8, 8, 8) for spread in (0.1, 2.0, 50.0)]
    values = [sum(heads) / 3, *heads]
    heats = tuple(Heat.of(value) for value in values)
    peak = np.stack([value.max(axis=(2, 3)) for value in values]).astype(np.float32)
    return PanelLayer(
        name,
        (CELLS, CELLS),
        _all(),
        _all(),
        maps=heats,
        numbers={**_numbers(len(values), seed), "peak": peak},
        whole_field="global",
        weights=heats,
        change=Heat.of(values[1] * 50),
    )
