"""The effective field of one unit over eight pictures of noise: what does it cost beside captum and a bare loop?

    python -m benchmarks effective_field

All tools differentiate the same mix of channels at the same place for the same pictures; that they give the same map is
checked first. The bound we keep: ours at most 1.2 bare loops.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import timm
import torch
from torch import Tensor, nn
from torchvision import models

from benchmarks._rows import Bound, Row, Tool, load, timed_rows
from vlmteach.probes import effective_receptive_field, noise_images

PICTURES = 8
ROUNDS = 10
BOUND = Bound(1.2)
LOOP, OURS, SALIENCY = "bare torch.autograd, a hook", "vlmteach effective_receptive_field", "captum Saliency"
CELL = (3, 3)

# What a unit's channels are, from what the layer returns.
Unit = Callable[[Tensor], Tensor]


def cell_of_a_grid(grid: Tensor) -> Tensor:
    """(B, C, H, W) -> the channels (B, C) at CELL."""
    return grid[:, :, CELL[0], CELL[1]]


def cell_of_a_vit(tokens: Tensor) -> Tensor:
    """(B, 1 + 14 * 14, D), CLS in front -> the channels (B, D) at CELL."""
    return tokens[:, 1 + CELL[0] * 14 + CELL[1]]


def tools(model: nn.Module, layer: str, unit: Unit, images: Tensor) -> dict[str, Tool | str]:
    """Each tool as a call; all of them give the same map (H, W), or AssertionError tells which does not."""

    def scalar(pictures: Tensor, mix: Tensor) -> Tensor:
        """What is differentiated: one number a picture."""
        held: list[Tensor] = []
        with model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: held.append(output)):
            model(pictures)
        return (unit(held[0]) * mix).sum(dim=1)

    def loop() -> Tensor:
        pictures = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(scalar(pictures, mix).sum(), pictures)
        return averaged(gradient.abs())

    mix = mixes(model, layer, unit, images)
    stops = "stops after the layer" if unit is cell_of_a_grid else "the whole network"
    captum = load("captum.attr", "captum")
    found: dict[str, Tool | str] = {
        LOOP: (loop, "the whole network"),
        OURS: (lambda: effective_receptive_field(model, layer, CELL, images), stops),
        SALIENCY: captum if isinstance(captum, str) else (saliency(captum, scalar, images, mix), "the whole network"),
    }
    expected = loop()
    for name, tool in found.items():
        if not isinstance(tool, str):
            torch.testing.assert_close(
                tool[0](), expected, rtol=1e-3, atol=1e-4, msg=lambda text, name=name: name + text
            )
    return found


def mixes(model: nn.Module, layer: str, unit: Unit, images: Tensor) -> Tensor:
    """The seeded mix of channels of each picture, as our probe draws it: (B, C)."""
    held: list[Tensor] = []
    with torch.no_grad(), model.get_submodule(layer).register_forward_hook(lambda *call: held.append(call[-1])):
        model(images[:1])
    channels = unit(held[0]).shape[1]
    seeds = [torch.Generator().manual_seed(number) for number in range(len(images))]
    return torch.stack([torch.randn(channels, generator=seed, dtype=torch.float64) for seed in seeds]).float()


def saliency(captum: ModuleType, scalar: Callable[..., Tensor], images: Tensor, mix: Tensor) -> Callable[[], Tensor]:
    """Captum's |gradient| of each picture, averaged."""
    attribution = captum.Saliency(scalar)
    return lambda: averaged(attribution.attribute(images.clone().requires_grad_(), additional_forward_args=mix))


def averaged(gradient: Tensor) -> Tensor:
    """|gradient| (B, 3, H, W) -> one map (H, W), the largest value 1."""
    total = gradient.sum(dim=(0, 1))
    return (total / total.max()).detach()


def run() -> list[Row]:
    """Time every tool on two layers of a CNN and one of a ViT; the bare loop has ratio 1."""
    torch.manual_seed(0)
    resnet = models.resnet18(weights=None).eval()
    vit = timm.create_model("vit_tiny_patch16_224").eval()
    images = noise_images(PICTURES, 224, 224)
    cases = (
        ("resnet18 layer2", resnet, "layer2", cell_of_a_grid),
        ("resnet18 layer4", resnet, "layer4", cell_of_a_grid),
        ("vit_tiny blocks.11", vit, "blocks.11", cell_of_a_vit),
    )
    return [
        row
        for title, model, layer, unit in cases
        for row in timed_rows(
            f"effective field, {title}, {PICTURES} pictures of 224 px",
            tools(model, layer, unit, images),
            ROUNDS,
            LOOP,
            {OURS: BOUND},
        )
    ]
