"""What frozen encoders saw, kept: the tokens of each batch of scenes, computed when it is first asked for.

Nothing here loads a network: how to look is an argument. So what is trained behind a frozen encoder depends on its
tokens, which the record pins by numbers, and not on the code that loads real networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor

from vlmteach.experiments.matrix.train import HELD_OUT
from vlmteach.nn import VisualTokens, on_grid
from vlmteach.pictures.scenes.batches import SceneBatch, make_batch
from vlmteach.training import write_whole

BATCH = 32  # pictures, with eight questions each


@dataclass(frozen=True)
class FrozenEncoder:
    """A frozen encoder, and the grid on which its tokens are read.

    title: in words. backbone: its name in backbones. side: of the picture that it is shown, in pixels. cells: it
    returns cells x cells tokens, width wide. pool: how many of them, each way, are averaged into one.
    """

    title: str
    backbone: str
    side: int
    cells: int
    width: int
    pool: int = 1
    weights: Literal["pretrained", "untrained"] = "pretrained"

    @property
    def tokens(self) -> int:
        """How many tokens a connector is given."""
        return (self.cells // self.pool) ** 2

    @property
    def source(self) -> str:
        """A name for what it sees, the same for encoders that differ only in what is averaged afterwards."""
        return f"{self.backbone}-{self.weights}-{self.side}"

    def visual(self, kept: Tensor) -> VisualTokens:
        """The encoder's tokens as they are kept (B, cells², width), float16 -> those for a connector, float32."""
        grid = kept.float().transpose(1, 2).unflatten(2, (self.cells, self.cells))
        cells = self.cells // self.pool
        return on_grid(F.avg_pool2d(grid, self.pool).flatten(2).transpose(1, 2), cells, cells)


@dataclass(frozen=True)
class Features:
    """Batches of scenes as a frozen encoder sees them.

    look: the encoder's tokens of pictures, (B, 3, H, W) -> (B, cells², width) float16. folder: where they are kept.
    """

    encoder: FrozenEncoder
    look: Callable[[FrozenEncoder, Tensor], Tensor]
    folder: Path

    def batch(self, seed: int, number: int) -> SceneBatch:
        """A batch of scenes, of a set named by its seed: tokens (BATCH, cells², width) where its pictures would be."""
        scenes = make_batch(BATCH, (seed, number), pairs=~HELD_OUT)
        file = self.folder / self.encoder.source / f"{seed}-{BATCH}-{number}.safetensors"
        try:
            tokens = safetensors.torch.load_file(file)["tokens"]
        except (FileNotFoundError, SafetensorError):  # not there, or damaged
            tokens = self.look(self.encoder, scenes.pictures).contiguous()
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, safetensors.torch.save({"tokens": tokens}))
        return scenes._replace(pictures=tokens)

    def batches(self, seed: int, count: int) -> list[SceneBatch]:
        """The first `count` batches of a set."""
        return [self.batch(seed, number) for number in range(count)]


def joined(batches: list[SceneBatch]) -> SceneBatch:
    """Batches as one."""
    return SceneBatch(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
