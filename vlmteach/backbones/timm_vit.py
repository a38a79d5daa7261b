"""Any ViT of timm as an encoder, as it is: its tokens, and the place of each in the picture.

vit_from_timm copies a plain ViT into the code of this course. This wraps those too, and the others: CLIP's has one more
LayerNorm in front of its blocks and another GELU, others have rotary positions.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from vlmteach.nn.checks import check_picture
from vlmteach.nn.tokens import VisualTokens, on_grid


class TimmViT(nn.Module):
    """A timm ViT that returns VisualTokens: `TimmViT(model)(image).tokens` is `model.forward_features(image)`.

    model: a ViT of timm with square patches. Made with `dynamic_img_size=True`, it takes pictures of any multiple of
    its patch size, its table of positions being stretched as it goes; made without, only those of its own size.
    CLS and register tokens come first; how many is `model.num_prefix_tokens`.
    Raises TypeError for another kind of network, ValueError for patches that are not square, and in forward for a
    picture of a size that the model cannot take.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        patch: Any = getattr(model, "patch_embed", None)
        if not hasattr(model, "num_prefix_tokens") or not hasattr(patch, "dynamic_feat_size"):
            raise TypeError(
                f"the model is a {type(model).__module__}.{type(model).__name__}; expected a ViT of timm, such as "
                "timm.create_model('vit_small_patch16_224', dynamic_img_size=True). For a CNN, use GridEncoder."
            )
        height, width = patch.patch_size
        if height != width:
            raise ValueError(f"the model's patches are {height} x {width}; expected square ones.")
        self.model: Any = model
        self.patch_size = int(height)
        self.any_size = bool(getattr(model, "dynamic_img_size", False))

    def forward(self, image: Tensor) -> VisualTokens:
        """Image (B, 3, H, W) -> CLS, registers, then one token for each patch, row by row."""
        check_picture(image, multiple_of=self.patch_size)
        self._check_size(image)
        tokens = self.model.forward_features(image)
        return on_grid(tokens, *self.grid_size(image), prefix=int(self.model.num_prefix_tokens))

    def grid(self, image: Tensor) -> Tensor:
        """Image (B, 3, H, W) -> the patch tokens laid out as a grid (B, D, H/p, W/p), as a CNN gives it."""
        return self(image).without_prefix().as_grid()

    def grid_size(self, image: Tensor) -> tuple[int, int]:
        """Rows and columns of patches in an image (B, 3, H, W)."""
        return image.shape[2] // self.patch_size, image.shape[3] // self.patch_size

    def _check_size(self, image: Tensor) -> None:
        own, given = tuple(self.model.patch_embed.img_size), tuple(image.shape[2:])
        if given != own and not self.any_size:
            raise ValueError(
                f"the picture is {given[0]} x {given[1]}; expected {own[0]} x {own[1]}, the only size this model "
                "takes. Make it with timm.create_model(…, dynamic_img_size=True), or resize the picture knowingly."
            )
