"""Any ViT of timm as an encoder, as it is: its tokens, and the place of each in the picture.

vit_from_timm copies a plain ViT into the code of this course. This wraps those too, and the others: CLIP's has one more
LayerNorm in front of its blocks and another GELU, others have rotary positions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from vlmteach.nn.checks import check_picture
from vlmteach.nn.tokens import VisualTokens, on_grid
from vlmteach.probes.network import plain_network


class TimmViT(nn.Module):
    """A timm ViT that returns VisualTokens: `TimmViT(model)(image).tokens` is `model.forward_features(image)`.

    model: a ViT of timm with square patches. Made with `dynamic_img_size=True`, and any NaFlexViT, it takes pictures of
    many sizes, its table of positions being stretched as it goes; made without, only those of its own size.
    CLS and register tokens come first; how many is `model.num_prefix_tokens`. Where patches do not tile the picture
    (14 pixels in 384), boxes end before 1: the pixels beyond the last whole patch are never seen.
    Raises TypeError for another kind of network, ValueError for patches that are not square, and in forward for a
    picture of a size that the model cannot take.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        model = plain_network(model)
        patch = _patches_of(model)
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

    def forward(self, image: Tensor) -> VisualTokens:
        """Image (B, 3, H, W) -> CLS, registers, then one token for each patch, row by row."""
        self._check(image)
        tokens = self.model.forward_features(image)
        visual = on_grid(tokens, *self.grid_size(image), num_prefix_tokens=int(self.model.num_prefix_tokens))
        boxes = (visual.boxes * self._share(image, visual)).clamp(max=1)
        return replace(visual, boxes=boxes)

    def grid(self, image: Tensor) -> Tensor:
        """Image (B, 3, H, W) -> the patch tokens laid out as a grid (B, D, H/p, W/p), as a CNN gives it."""
        return self(image).without_prefix_tokens().as_grid()

    def grid_size(self, image: Tensor) -> tuple[int, int]:
        """Rows and columns of patches in an image (B, 3, H, W)."""
        rows, columns = _patches_of(self.model).dynamic_feat_size((image.shape[2], image.shape[3]))
        return int(rows), int(columns)

    def _share(self, image: Tensor, visual: VisualTokens) -> Tensor:
        """For each token, how much of the picture's height and width the patches take; above 1 where timm pads it."""
        down, across = (
            count * self.patch_size / side for count, side in zip(self.grid_size(image), image.shape[2:], strict=True)
        )
        share = visual.boxes.new_ones(visual.boxes.shape[1], 4)
        share[visual.num_prefix_tokens :] = visual.boxes.new_tensor([down, across, down, across])
        return share

    def _check(self, image: Tensor) -> None:
        patches = _patches_of(self.model)
        own, given = getattr(patches, "img_size", None), tuple(image.shape[2:])
        stretched = own is None or bool(getattr(self.model, "dynamic_img_size", False))
        padded = patches.dynamic_img_pad
        check_picture(
            image,
            at_least=1 if padded else self.patch_size,
            multiple_of=self.patch_size if stretched and not padded else 1,
        )
        if own is not None and not stretched and given != tuple(own):
            raise ValueError(
                f"the picture is {given[0]} x {given[1]}; expected {own[0]} x {own[1]}, the only size this model "
                "takes. Make it with timm.create_model(…, dynamic_img_size=True), or resize the picture knowingly."
            )


def _patches_of(model: nn.Module) -> Any:
    return getattr(model, "patch_embed", getattr(model, "embeds", None))  # "embeds" in NaFlexViT
