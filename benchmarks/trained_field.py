"""The effective field of a trained CNN's unit, by gradient on photographs, beside openerf's.

    python -m benchmarks trained_field

Both differentiate the same unit of the same network at the same pictures. They do not measure the same: openerf adds up
what of the mean channel's gradient is positive, ours the size of the gradient of a random mix of channels, which no
signs cancel. So it is checked that openerf's formula, written out here, gives openerf's map, and that neither leaves
the exact receptive field; the notes give the side of both fields by Luo's threshold.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn
from torchvision.transforms.functional import to_pil_image

from benchmarks._rows import Bound, Row, Tool, load, timed_rows
from vlmteach.backbones import load_encoder
from vlmteach.pictures import PHOTOGRAPHS, photograph
from vlmteach.probes import effective_receptive_field, erf_size, receptive_field

ENCODER, LAYER = "efficientnet_lite0", "blocks.2"
UNIT = (14, 14)  # openerf's choice in a grid of 28 x 28
ROUNDS = 6
MOST = Bound(1.3)
OURS, THEIRS = "vlmteach effective_receptive_field", "openerf compute_erf"
JOB = f"effective field, trained {ENCODER} {LAYER}, {len(PHOTOGRAPHS)} photographs of 224 px"


def positive_mean(model: nn.Module, images: Tensor) -> Tensor:
    """The map (H, W) of openerf's formula: the positive part of the mean channel's gradient, summed over pictures."""
    seen: list[Tensor] = []
    hook = model.get_submodule(LAYER).register_forward_hook(lambda module, args, output: seen.append(output))
    total = torch.zeros(images.shape[-2:])
    for image in images.split(1):
        image = image.clone().requires_grad_()
        model(image)
        (gradient,) = torch.autograd.grad(seen.pop()[0, :, *UNIT].mean(), image)
        total += gradient.mean(dim=(0, 1)).clamp(min=0)
    hook.remove()
    return total / total.sum()


def compare(openerf: ModuleType, model: nn.Module, folder: Path, images: Tensor) -> tuple[Tool, Tensor]:
    """The call of openerf, after its map was found to be that of its formula."""

    def theirs() -> Tensor:
        found = openerf.compute_erf(model, image_dir=folder, target_layer=LAYER, device="cpu", show_progress=False)
        return torch.from_numpy(found.erf_map).float()

    torch.testing.assert_close(theirs(), positive_mean(model, images), rtol=1e-3, atol=1e-8)
    note = f"side {erf_size(theirs()):.0f} px: positive part, signs cancel; reads the files each time"
    return (theirs, note), theirs()


def as_openerf_reads(model: nn.Module, folder: Path) -> Tensor:
    """The photographs as files in a folder, and as timm's own transform, which openerf takes, makes them from these."""
    from timm.data import create_transform, resolve_model_data_config

    for name in PHOTOGRAPHS:
        to_pil_image(photograph(name, 256, 256)).save(folder / f"{name}.png")
    prepare = create_transform(**resolve_model_data_config(model), is_training=False)
    return torch.stack([prepare(to_pil_image(photograph(name, 256, 256))) for name in sorted(PHOTOGRAPHS)])


def run() -> list[Row]:
    """Time both; openerf has ratio 1, or ours where it is not there."""
    model = load_encoder(ENCODER, "pretrained").model
    openerf = load("openerf", "openerf")
    with tempfile.TemporaryDirectory() as folder:
        images = as_openerf_reads(model, Path(folder))

        def ours() -> Tensor:
            return effective_receptive_field(model, LAYER, UNIT, images)

        fields = [ours()]
        tools: dict[str, Tool | str] = {
            OURS: (ours, f"side {erf_size(fields[0]):.0f} px: size of the gradient of a random mix")
        }
        if isinstance(openerf, str):
            tools[THEIRS] = openerf
        else:
            tools[THEIRS], theirs = compare(openerf, model, Path(folder), images)
            fields.append(theirs)
        top, left, bottom, right = receptive_field(model, input_size=(224, 224))[LAYER].box(*UNIT, clip=(224, 224))
        for field in fields:
            outside = field.clone()
            outside[top:bottom, left:right] = 0
            assert not outside.any(), f"{LAYER} is moved from outside its receptive field"
        yardstick = OURS if isinstance(openerf, str) else THEIRS
        return timed_rows(JOB, tools, ROUNDS, yardstick, {OURS: MOST})
