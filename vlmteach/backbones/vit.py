"""A timm ViT as the VisionTransformer of this course: the same numbers from code that is short enough to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.nn.vit import VisionTransformer

# What comes after the tokens: pooling and the classifier. An encoder has no use for them.
HEAD = ("head.", "fc_norm.", "attn_pool.")


def vit_from_timm(model: nn.Module) -> VisionTransformer:
    """Copy a timm ViT: `vit_from_timm(model)(image).tokens` equals `model.forward_features(image)`.

    model: a timm.models.vision_transformer.VisionTransformer, pretrained or not: the plain ViTs, DeiT, DeiT-3, DINOv2
    with or without registers, SigLIP. Its pooling and classifier are left behind. timm may store a position for the
    CLS and register tokens; since these stand still, it is added to the tokens themselves here.
    Returns a VisionTransformer with its own memory, in the model's dtype, device and mode. It has no dropout: a timm
    model built with dropout agrees with it in eval mode only.
    For pictures of another size, stretch the copy's table of positions: copy.positions.resample(rows, columns).
    Raises TypeError for another kind of network, ValueError for a ViT with parts that VisionTransformer has not.
    """
    _check_kind(model)
    theirs: Any = model
    patch, first = theirs.patch_embed, theirs.blocks[0]
    with torch.device("meta"):  # only the shapes: every number is copied below
        copy = VisionTransformer(
            image_size=patch.img_size,
            patch_size=patch.patch_size[0],
            dim=theirs.embed_dim,
            depth=len(theirs.blocks),
            num_heads=first.attn.num_heads,
            cls=theirs.has_class_token,
            registers=theirs.num_reg_tokens,
            positions="none" if theirs.pos_embed is None else "learned",
            mlp_ratio=first.mlp.fc1.out_features / theirs.embed_dim,
            layer_scale=None if isinstance(first.ls1, nn.Identity) else 1.0,
            channels=patch.proj.in_channels,
        )
    weights = _weights(theirs)
    _check_weights(weights, copy.state_dict())
    copy.load_state_dict(weights, assign=True)
    return copy.train(theirs.training)


def _weights(model: Any) -> dict[str, Tensor]:
    """The model's tensors by the names of VisionTransformer. Blocks, patches and the last norm have the same names."""
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items() if not name.startswith(HEAD)}
    learned = [weights.pop(name) for name in ("cls_token", "reg_token") if name in weights]
    prefix_tokens = (
        torch.cat(learned, dim=1) if learned else model.patch_embed.proj.weight.new_empty(1, 0, model.embed_dim)
    )
    if model.pos_embed is not None:
        positions = weights.pop("pos_embed")
        placed = 0 if model.no_embed_class else model.num_prefix_tokens
        prefix_tokens = prefix_tokens + positions[:, :placed] if placed else prefix_tokens
        weights["positions.table"] = positions[:, placed:]
    return weights | {"prefix_tokens": prefix_tokens}


def _check_kind(model: nn.Module) -> None:
    from timm.models import vision_transformer as timm_vit

    if type(model) is not timm_vit.VisionTransformer:
        raise TypeError(
            f"the model is a {type(model).__module__}.{type(model).__name__}; expected a plain "
            "timm.models.vision_transformer.VisionTransformer, such as timm.create_model('vit_tiny_patch16_224'). "
            "For a CNN, use GridEncoder."
        )
    reasons = list(_differences(model))
    if reasons:
        raise _refusal(reasons)


def _differences(model: Any) -> Iterator[str]:
    """What computes something else than VisionTransformer although its weights may have the same names and shapes."""
    from timm.layers import PatchEmbed
    from timm.models.vision_transformer import Attention, Block, Mlp

    patch = model.patch_embed
    if type(patch) is not PatchEmbed:
        yield f"its patches come from {type(patch).__name__}, not from one convolution"
        return
    if patch.patch_size[0] != patch.patch_size[1]:
        yield f"its patches are {patch.patch_size[0]} x {patch.patch_size[1]}, not square"
    if patch.dynamic_img_pad:
        yield "it pads pictures that are no whole number of patches (dynamic_img_pad)"
    if isinstance(model.norm, nn.Identity):
        yield "it has no norm at the end of its tokens (the norm comes after pooling, or there is none)"
    for block in model.blocks:
        parts = (type(block), type(getattr(block, "attn", None)), type(getattr(block, "mlp", None)))
        if parts != (Block, Attention, Mlp):
            yield f"its blocks are {'/'.join(part.__name__ for part in parts)}, not Block/Attention/Mlp"
            return
    first = model.blocks[0]
    samples = torch.linspace(-3, 3, 13)
    if not torch.allclose(first.mlp.act(samples), F.gelu(samples), rtol=0, atol=1e-5):
        yield f"its MLP uses {type(first.mlp.act).__name__}, not the exact GELU"
    if first.attn.num_heads * first.attn.head_dim != model.embed_dim:
        yield "its heads together are not as wide as its tokens"
    all_eps = {norm.eps for norm in model.modules() if isinstance(norm, nn.LayerNorm)}
    if all_eps - {1e-6}:
        yield f"its LayerNorms use eps {sorted(all_eps)}, not 1e-06"


def _check_weights(weights: dict[str, Tensor], places: dict[str, Tensor]) -> None:
    """Raise ValueError unless the weights and the places for them have the same names and shapes."""
    reasons = []
    if strange := sorted(weights.keys() - places.keys()):
        reasons.append(f"VisionTransformer has no place for {', '.join(strange[:3])} (of {len(strange)})")
    if lacking := sorted(places.keys() - weights.keys()):
        reasons.append(f"it lacks {', '.join(lacking[:3])} (of {len(lacking)})")
    both = sorted(weights.keys() & places.keys())
    if shapes := [name for name in both if weights[name].shape != places[name].shape]:
        reasons.append(f"{', '.join(shapes[:3])} (of {len(shapes)}) differ in shape")
    if reasons:
        raise _refusal(reasons)


def _refusal(reasons: list[str]) -> ValueError:
    return ValueError(
        f"this ViT cannot be copied: {'; '.join(reasons)}. VisionTransformer is the plain pre-norm ViT; choose another "
        "timm model, for instance vit_small_patch16_224, or use this one as it is: TimmViT(model)."
    )
