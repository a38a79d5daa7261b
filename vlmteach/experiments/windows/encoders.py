"""Vision transformers that are alike but for who may attend to whom: 8 x 8 cells, three blocks, 48 wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vlmteach.experiments.cliff.encoders import DIM, HEADS, MarkerReadOut
from vlmteach.nn.tokens import VisualTokens, on_grid
from vlmteach.nn.vit import VisionTransformer
from vlmteach.nn.windows import neighbour_mask, reach_of, window_mask
from vlmteach.pictures.cliff import CELLS, SIDE
from vlmteach.pictures.look import CELL

SIDE_OF_WINDOW = 4  # cells: four windows cover the board


class MaskedViT(nn.Module):
    """A ViT without CLS, each of whose blocks attends by a mask of its own; no weight is added or left out.

    vit: of any depth. masks: one for each block, (N, N), True = may attend. Raises ValueError for another number.
    """

    masks: Tensor

    def __init__(self, vit: VisionTransformer, masks: Sequence[Tensor]) -> None:
        super().__init__()
        if len(masks) != len(vit.blocks):
            raise ValueError(f"there are {len(masks)} masks for {len(vit.blocks)} blocks; expected one for each block.")
        self.vit = vit
        self.register_buffer("masks", torch.stack(list(masks)), persistent=False)

    def forward(self, image: Tensor) -> VisualTokens:
        """Image (B, 3, H, W) -> one token for each patch, row by row."""
        vit = self.vit
        height, width = (side // vit.patch_size for side in image.shape[2:])
        tokens = vit.patch_embed(image)
        if vit.positions is not None:
            tokens = vit.positions(tokens, height, width)
        for block, mask in zip(vit.blocks, self.masks, strict=True):
            tokens = block(tokens, mask)
        return on_grid(vit.norm(tokens), height, width)


@dataclass(frozen=True)
class WindowedEncoder:
    """One line of the comparison. masks: who may attend to whom in each of the three blocks."""

    title: str
    masks: tuple[Tensor, ...]

    @property
    def reach(self) -> Tensor:
        """(64, 64), bool: [marker, square], whether anything of the square's cell can come to the marker's token."""
        return reach_of(self.masks)


_EVERYWHERE = torch.ones(CELLS**2, CELLS**2, dtype=torch.bool)
_WINDOW = window_mask(CELLS, CELLS, SIDE_OF_WINDOW)
_SHIFTED = window_mask(CELLS, CELLS, SIDE_OF_WINDOW, shift=SIDE_OF_WINDOW // 2)
_NEAR = neighbour_mask(CELLS, CELLS, reach=1)

WINDOWED_ENCODERS = {
    "neighbours": WindowedEncoder("neighbours only", (_NEAR,) * 3),
    "windows": WindowedEncoder("windows", (_WINDOW,) * 3),
    "shifted": WindowedEncoder("windows, the second shifted", (_WINDOW, _SHIFTED, _WINDOW)),
    "one-global": WindowedEncoder("windows, the last global", (_WINDOW, _WINDOW, _EVERYWHERE)),
    "global": WindowedEncoder("all global", (_EVERYWHERE,) * 3),
}


def build_windowed(name: str, seed: int) -> nn.Module:
    """A ViT of the comparison with its read-out at the marker, its weights drawn by a seed: the same for every name.

    The caller's random state is kept. Raises ValueError, naming those there are, for an unknown name.
    """
    if name not in WINDOWED_ENCODERS:
        raise ValueError(f"there is no encoder {name!r} here; expected one of {', '.join(WINDOWED_ENCODERS)}.")
    masks = WINDOWED_ENCODERS[name].masks
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        vit = VisionTransformer(SIDE, CELL, DIM, depth=len(masks), num_heads=HEADS, cls=False)
        return MarkerReadOut(MaskedViT(vit, masks))
