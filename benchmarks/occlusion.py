"""Which part of the picture carries an answer? Hiding 7 x 7 squares, beside captum's same squares and Grad-CAM.

    python -m benchmarks occlusion

That captum's numbers are ours is checked first. Grad-CAM answers another question with one gradient: where the last
layer's channels that raise the class are strong. It hides nothing. The bound we keep: ours at most 1.2 times captum
with as many pictures at once.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor, nn
from torchvision import models

from benchmarks._rows import Bound, Row, Tool, load, timed_rows
from vlmteach.probes import noise_images, occlusion

SQUARES, SIDE = 7, 224 // 7
AT_ONCE = 16  # covered pictures in one forward pass
CLASS = 3
ROUNDS = 8
BOUND = Bound(1.2)
JOB = f"occlusion, resnet18, {SQUARES} × {SQUARES} squares, 224 px"
OURS = "vlmteach occlusion"
ALIKE, ALONE = f"captum Occlusion, {AT_ONCE} at once", "captum Occlusion, as it comes"


def captums(captum: ModuleType, model: nn.Module, image: Tensor, at_once: int) -> Tensor:
    """Captum's map of one class: what the output loses when a square is hidden, on every pixel of the square."""
    return captum.Occlusion(model).attribute(
        image, (3, SIDE, SIDE), strides=(3, SIDE, SIDE), baselines=0.0, target=CLASS, perturbations_per_eval=at_once
    )


def activation_map(grad_cam: ModuleType, model: nn.Module, image: Tensor) -> object:
    """Grad-CAM's map of the same class at the last convolution."""
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with grad_cam.GradCAM(model, [model.layer4[-1]]) as cam:
        return cam(input_tensor=image, targets=[ClassifierOutputTarget(CLASS)])


def tools(model: nn.Module, image: Tensor) -> dict[str, Tool | str]:
    """Each tool as a call; captum's map is that of ours, or AssertionError."""
    captum, grad_cam = load("captum.attr", "captum"), load("pytorch_grad_cam", "grad-cam")

    def ours() -> Tensor:
        return occlusion(model, image, (SQUARES, SQUARES), fill=0.0, batch_size=AT_ONCE)

    found: dict[str, Tool | str] = {OURS: (ours, f"of all {ours().shape[-1]} classes")}
    for name, at_once in ((ALIKE, AT_ONCE), (ALONE, 1)):
        if isinstance(captum, str):
            found[name] = captum
            continue
        torch.testing.assert_close(
            -captums(captum, model, image, at_once)[0, 0, ::SIDE, ::SIDE].float(),
            ours()[..., CLASS],
            rtol=1e-3,
            atol=1e-5,
        )
        found[name] = (lambda at_once=at_once: captums(captum, model, image, at_once), "the same numbers, of one class")
    found["pytorch-grad-cam GradCAM"] = (
        grad_cam
        if isinstance(grad_cam, str)
        else (lambda: activation_map(grad_cam, model, image), "another quantity: one gradient, nothing hidden")
    )
    return found


def run() -> list[Row]:
    """Time every tool; captum with as many pictures at once has ratio 1, or ours where captum is not there."""
    torch.manual_seed(0)
    contestants = tools(models.resnet18(weights=None).eval(), noise_images(1, 224, 224))
    yardstick = OURS if isinstance(contestants[ALIKE], str) else ALIKE
    return timed_rows(JOB, contestants, ROUNDS, yardstick, {OURS: BOUND})
