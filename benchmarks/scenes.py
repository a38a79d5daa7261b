"""Random scenes at 64 pixels (8 x 8 cells) on one core: how many a second?

    python -m benchmarks scenes

The yardstick is drawing alone, from scenes that are there. Pillow does the same work the usual way, one picture after
the other; its edges are hard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks._rows import Row, timed_rows
from vlmteach.pictures.look import CELL, GREY, RGB
from vlmteach.pictures.scenes.batches import make_batch
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.sampling import SHAPES, Scenes, far_scenes, near_scenes
from vlmteach.training import one_thread

CELLS = 8
COUNT = 64  # scenes to a call; with many more, the system's work for fresh memory hides that of drawing
ROUNDS = 100
JOB = f"{COUNT} scenes, {CELL * CELLS} px, one core"
DRAW = "vlmteach: draw only"


def tools() -> dict[str, Callable[[], int]]:
    """Each tool as a call that makes scenes and returns how many."""
    known = far_scenes(COUNT, seed=0, cells=CELLS)
    return {
        DRAW: lambda: len(draw_scenes(known)),
        "vlmteach: sample and draw, near": lambda: len(draw_scenes(near_scenes(COUNT, seed=0, cells=CELLS)[0])),
        "vlmteach: sample and draw, far": lambda: len(draw_scenes(far_scenes(COUNT, seed=0, cells=CELLS))),
        "vlmteach: draw only, noise and clutter": lambda: len(draw_scenes(known, noise=0, clutter=2)),
        "vlmteach: make_batch, 8 questions each": lambda: len(make_batch(COUNT, seed=0, cells=CELLS).pictures),
        "Pillow, one by one: draw only": lambda: len(with_pillow(known)),
    }


def run() -> list[Row]:
    """Time every tool; drawing alone has ratio 1."""
    with one_thread():
        contestants = {name: (call, "") for name, call in tools().items()}
        made = {name: call() for name, (call, _) in contestants.items()}
        rows = timed_rows(JOB, contestants, ROUNDS, DRAW)
    return [replace(row, note=f"{1000 * made[row.tool] / row.amount:,.0f} scenes/s") for row in rows]


def with_pillow(scenes: Scenes) -> torch.Tensor:
    """The same scenes, drawn thing by thing: (B, 3, H, W), float32 in [0, 1]."""
    side = CELL * scenes.cells
    pictures = np.empty((len(scenes), side, side, 3), dtype=np.uint8)
    for index in range(len(scenes)):
        picture = Image.new("RGB", (side, side), (GREY, GREY, GREY))
        pen = ImageDraw.Draw(picture)
        for thing in range(scenes.shape.shape[1]):
            top = int(scenes.row[index, thing] * CELL + scenes.down[index, thing])
            left = int(scenes.column[index, thing] * CELL + scenes.right[index, thing])
            last = int(scenes.size[index, thing]) - 1
            _pillow_thing(pen, SHAPES[scenes.shape[index, thing]], top, left, last, RGB[scenes.colour[index, thing]])
        pictures[index] = np.asarray(picture)
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


def _pillow_thing(pen: ImageDraw.ImageDraw, shape: str, top: int, left: int, last: int, rgb: np.ndarray) -> None:
    """Draw one thing; last: from its first to its last pixel."""
    fill = tuple(rgb.tolist())
    bottom, right, third = top + last, left + last, last // 3
    if shape == "circle":
        pen.ellipse((left, top, right, bottom), fill)
    elif shape == "square":
        pen.rectangle((left, top, right, bottom), fill)
    elif shape == "triangle":
        pen.polygon([(left, bottom), (right, bottom), (left + last // 2, top)], fill)
    else:
        pen.rectangle((left + third, top, right - third, bottom), fill)
        pen.rectangle((left, top + third, right, bottom - third), fill)
