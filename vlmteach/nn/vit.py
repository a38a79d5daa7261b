"""The Vision Transformer: cut a picture into patches, make each a token, add positions, let them attend to each other.

Sources: An Image is Worth 16x16 Words (2010.11929); Vision Transformers Need Registers (2309.16588).
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_choice, check_picture, check_positive, check_tiling
from vlmteach.nn.positions import LearnedPositions, SinCosPositions
from vlmteach.nn.tokens import VisualTokens, grid_to_tokens, on_grid
from vlmteach.nn.transformer import TransformerBlock

Positions = Literal["learned", "sincos", "none"]


class PatchEmbed(nn.Module):
    """The same linear layer for every patch: a convolution whose stride is its kernel size.

    Equal to `patchify(image, p) @ proj.weight.flatten(1).T + proj.bias`.
    patch_size: side p of a patch in pixels; dim: width D of the tokens; channels: of the picture.
    """

    def __init__(self, patch_size: int, dim: int, channels: int = 3) -> None:
        super().__init__()
        check_positive(patch_size=patch_size)
        self.patch_size, self.channels = patch_size, channels
        self.proj = nn.Conv2d(channels, dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, channels, H, W) -> tokens (B, (H/p)*(W/p), D), row by row."""
        check_picture(image, channels=self.channels, multiple_of=self.patch_size)
        return grid_to_tokens(self.proj(image))


class VisionTransformer(nn.Module):
    """A plain pre-norm ViT: patches, positions, CLS and registers in front, blocks, a last LayerNorm.

    image_size: (H, W) in pixels, or one number for a square. It sizes the learned table of positions; with other
    positions, a picture of any multiple of the patch size will do.
    patch_size: side of a patch in pixels; dim: width D; depth: number of blocks; num_heads must divide dim.
    cls, registers: whether there is a CLS token, and how many registers; each is a learned token without a place.
    positions: "learned" (a table), "sincos" (fixed waves) or "none" (then the patches are a bag).
    mlp_ratio, layer_scale: as in TransformerBlock; channels: of the picture.
    embed: what turns the picture into tokens instead of PatchEmbed, for instance a convolutional stem.
    One vector for the whole picture is the CLS token, `vit(image).tokens[:, 0]`, or MeanPool()(vit(image)).
    Raises ValueError for arguments that do not fit together, and in forward for a picture that does not fit them.
    """

    def __init__(
        self,
        image_size: int | tuple[int, int],
        patch_size: int,
        dim: int,
        *,
        depth: int,
        num_heads: int,
        cls: bool = True,
        registers: int = 0,
        positions: Positions = "learned",
        mlp_ratio: float = 4.0,
        layer_scale: float | None = None,
        channels: int = 3,
        embed: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.patch_size, self.dim = patch_size, dim
        self.patch_embed = PatchEmbed(patch_size, dim, channels) if embed is None else embed
        self.positions = make_positions(positions, image_size, patch_size, dim)
        self.prefix_tokens = nn.Parameter(torch.randn(1, int(cls) + registers, dim) * 0.02)
        self.blocks = nn.Sequential(
            *(
                TransformerBlock(dim, num_heads=num_heads, mlp_ratio=mlp_ratio, layer_scale=layer_scale)
                for _ in range(depth)
            )
        )
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, image: Tensor) -> VisualTokens:
        """Image (B, channels, H, W) -> CLS, registers, then one token for each patch, row by row."""
        tokens = self.patch_embed(image)
        height, width = image.shape[2] // self.patch_size, image.shape[3] // self.patch_size
        if self.positions is not None:
            tokens = self.positions(tokens, height, width)
        tokens = torch.cat([self.prefix_tokens.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        return on_grid(self.norm(self.blocks(tokens)), height, width, num_prefix_tokens=self.prefix_tokens.shape[1])

    def grid(self, image: Tensor) -> Tensor:
        """Image (B, channels, H, W) -> the patch tokens laid out as a grid (B, D, H/p, W/p), as a CNN gives it."""
        return self(image).without_prefix_tokens().as_grid()


def make_positions(kind: Positions, image_size: int | tuple[int, int], patch_size: int, dim: int) -> nn.Module | None:
    """The module that adds positions to patch tokens, None for "none".

    Raises ValueError for an unknown kind, or when a learned table would not be a whole number of patches.
    """
    check_choice("positions", kind, get_args(Positions))
    if kind == "none":
        return None
    if kind == "sincos":
        return SinCosPositions(dim)
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    check_tiling(height, width, patch_size)
    return LearnedPositions(height // patch_size, width // patch_size, dim)
