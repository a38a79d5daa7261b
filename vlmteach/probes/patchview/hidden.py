"""Hide one square of the picture after another and measure how each unit of each layer moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmteach.probes.occlusion import occlusion
from vlmteach.probes.patchview.layers import Grids

# A unit that cannot see the square still moves by rounding, about 1e-7 of its length: that is no change.
ROUNDING = 1e-5


def changes_when_hidden(
    read: Callable[[Tensor], Grids], image: Tensor, squares: tuple[int, int], batch_size: int
) -> dict[str, NDArray[np.float32]]:
    """How far each unit moves when a square shows the picture's mean colour, in per cent of the layer's mean length.

    read: what the layers hold for a picture batch, (B, rows, columns, C) each. image: (1, C, H, W).
    Returns for each layer (rows, columns, squares down, squares across).
    """
    whole = read(image)
    lengths = {name: grid.norm(dim=-1).mean() for name, grid in whole.items()}

    def movement(pictures: Tensor) -> Tensor:
        moved = [(grid - whole[name]).norm(dim=-1) / lengths[name] for name, grid in read(pictures).items()]
        return torch.cat([layer.flatten(1) for layer in moved], dim=1)

    fill = image.mean(dim=(0, 2, 3)).tolist()
    changes = occlusion(movement, image, squares, fill, batch_size)  # (down, across, units of all layers)
    changes = torch.where(changes > ROUNDING, changes, 0) * 100
    by_layer = changes.split([grid.shape[1] * grid.shape[2] for grid in whole.values()], dim=-1)
    return {
        name: layer.unflatten(-1, grid.shape[1:3]).permute(2, 3, 0, 1).numpy()
        for (name, grid), layer in zip(whole.items(), by_layer, strict=True)
    }
