"""Which pixels really move a unit, and by how much? The effective receptive field, for any differentiable model.

The theoretical field says which pixels a unit *can* see. The effective one is measured: the gradient of the unit with
respect to the picture (Luo et al., 1701.04128).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.probes.eval_mode import eval_mode
from vlmteach.probes.grids import require_channels_first
from vlmteach.probes.network import as_written, in_full, plain_network
from vlmteach.probes.picture_tokens import PictureTokens
from vlmteach.probes.unit import find_layer, find_layouts, run_to_units

# A pixel belongs to the field when its heat is above this share of the largest: two sigma of a Gaussian.
LUO_THRESHOLD = 0.0455
_DIFFERENT_IN_TRAINING = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


def effective_receptive_field(
    model: nn.Module, layer: str, position: tuple[int, int], images: Tensor, batch_size: int = 8
) -> Tensor:
    """How strongly each pixel moves the unit of `layer` at `position`: |gradient|, averaged over pictures.

    model: any differentiable network, CNN or ViT, compiled or not; it is measured in eval mode and left in its own.
    layer: a module path as in model.named_modules(), for instance "layer4"; of several calls the first counts.
    position: (row, column) in the layer's grid (B, C, H, W), or in the grid that its tokens (B, N, D) form. The unit is
        all channels of this position: a random mix of them, seeded and another one for each picture, is differentiated.
    images: (B, 3, H, W), on the model's device: noise_images(…), or pictures prepared for the model.
    batch_size: how many pictures are differentiated at once.

    Returns (H, W), the largest value 1. What lies beyond the picture is cut off, so a picture smaller than the field
    shows only a part of it.
    Raises ValueError for an unknown layer, a map with its channels last, a position outside the map, a picture that the
    model cannot take, and for pictures (an all-zero one, say) at which the unit does not move at all. Warns when the
    model came in training mode.
    """
    return effective_receptive_fields(model, layer, [position], images, batch_size)[0]


def effective_receptive_fields(
    model: nn.Module, layer: str, positions: Sequence[tuple[int, int]], images: Tensor, batch_size: int = 8
) -> Tensor:
    """The fields of several units of one layer, (units, H, W): the model runs to the layer once for all of them.

    Everything else is as in effective_receptive_field.
    """
    model = plain_network(model)
    _require_pictures(model, images)
    find_layer(model, layer)
    layouts = cache(lambda: find_layouts(model, images[:1]))
    require_grid = cache(lambda shape: require_channels_first(model, {layer: shape}, images[:1]))
    if any(part.training and isinstance(part, _DIFFERENT_IN_TRAINING) for part in model.modules()):
        warnings.warn(
            "The model is in training mode, where BatchNorm and Dropout make its field another one. It was measured in "
            "eval mode; call model.eval() to say so yourself.",
            stacklevel=3,
        )
    with torch.inference_mode(False), as_written(), eval_mode(model):
        kind = in_full(images[:0]).dtype
        totals = torch.zeros(len(positions), *images.shape[-2:], dtype=kind, device=images.device)
        for start in _with_progress(range(0, len(images), batch_size)):
            batch = images[start : start + batch_size]
            gradients = _gradients(model, layer, positions, batch, start, layouts, require_grid)
            for total, gradient in zip(totals, gradients, strict=True):
                total += gradient.sum(dim=0)
        return totals / totals.amax(dim=(1, 2), keepdim=True)


def noise_images(count: int, height: int, width: int, channels: int = 3, seed: int = 0) -> Tensor:
    """Pictures of standard normal noise (count, channels, height, width): the usual input for an effective field."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, height, width, generator=generator, dtype=torch.float32)


def erf_sigma(heat: Tensor) -> float:
    """The standard deviation of a heat map (H, W) in pixels: the root of the mean of both axes' variances.

    For a stack of n uniform 3×3 convolutions it is the square root of 2n/3: the field grows with the root of the depth.
    """
    weights = _require_heat(heat)
    variances = []
    for axis in (0, 1):
        profile = weights.sum(dim=1 - axis)
        places = torch.arange(len(profile), dtype=profile.dtype, device=profile.device)
        mean = (profile * places).sum()
        variances.append((profile * (places - mean).square()).sum())
    return float(torch.stack(variances).mean().sqrt())


def erf_size(heat: Tensor) -> float:
    """The side of the effective field in pixels: the root of how many pixels of (H, W) exceed 4.55 % of the largest.

    Source: Luo et al., 1701.04128.
    """
    return float(_inside(heat).sum()) ** 0.5


def erf_share(heat: Tensor, box: tuple[int, int, int, int] | None = None) -> float:
    """The share of the picture, or of a box (top, left, bottom, right) in it, that exceeds 4.55 % of the largest heat.

    With the box of receptive_field it says how much of what a unit can see it really uses.
    """
    inside = _inside(heat)
    if box is not None:
        top, left, bottom, right = box
        height, width = heat.shape
        if not (0 <= top < bottom <= height and 0 <= left < right <= width):
            raise ValueError(f"box is {box}; expected a box inside the {height}×{width} map: use box(…, clip=…).")
        inside = inside[top:bottom, left:right]
    return float(inside.double().mean())


def _require_pictures(model: nn.Module, images: Tensor) -> None:
    if not isinstance(images, Tensor) or images.ndim != 4 or not len(images):
        given = f"shape {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"images has {given}; expected pictures (B, channels, H, W). noise_images makes some.")
    if not images.is_floating_point() or not images.isfinite().all():
        raise ValueError(f"images are {images.dtype} or not finite; expected finite floating point numbers.")
    weight = next(model.parameters(), None)
    if weight is not None and weight.device != images.device:
        raise ValueError(
            f"images are on {images.device}, the model is on {weight.device}; move one of them with .to()."
        )
    if weight is not None and weight.dtype != images.dtype:
        raise ValueError(f"images are {images.dtype} and the model is {weight.dtype}; convert one of them with .to().")
    if weight is not None and weight.is_inference():
        raise ValueError(
            "the model was made in torch.inference_mode(), so no gradient passes its weights; make it outside, or "
            "measure copy.deepcopy(model) outside."
        )


def _gradients(
    model: nn.Module,
    layer: str,
    positions: Sequence[tuple[int, int]],
    images: Tensor,
    start: int,
    layouts: Callable[[], Sequence[PictureTokens]],
    require_grid: Callable[[torch.Size], None],
) -> Iterator[Tensor]:
    """|gradient| of each unit for the pictures from number `start` on, summed over colour channels: (B, H, W)."""
    with torch.enable_grad():
        images = images.detach().clone().requires_grad_()
        # a clone: a network may write on its input
        units = run_to_units(model, layer, positions, images.clone(), layouts, require_grid)
        units = [in_full(unit) for unit in units]
    # Each picture has its own mix, from its own number: how pictures are batched must not change the result.
    seeds = [torch.Generator().manual_seed(start + i) for i in range(len(images))]
    mix = torch.stack([torch.randn(units[0].shape[1], generator=seed, dtype=torch.float64) for seed in seeds])
    for position, unit in zip(positions, units, strict=True):
        if not unit.requires_grad:
            raise ValueError(
                f"no gradient leads from the picture to {layer!r}: the model switches gradients off on the way "
                "(torch.no_grad, inference_mode or reentrant checkpointing). Take that out, or choose an earlier layer."
            )
        with torch.enable_grad():
            mixed = (unit * mix.to(unit)).sum()
        (gradient,) = torch.autograd.grad(mixed, images, allow_unused=True, retain_graph=unit is not units[-1])
        if gradient is None or not gradient.isfinite().all() or (gradient.flatten(1) == 0).all(dim=1).any():
            raise ValueError(
                f"the unit {position} of {layer!r} has no gradient (or no finite one) at one of the pictures: no pixel "
                "moves it. An all-zero picture switches every ReLU off; use noise_images or a real picture."
            )
        yield in_full(gradient).abs().sum(dim=1)


def _with_progress(batches: range) -> Any:
    """A progress bar for a measurement that takes longer than a moment."""
    if len(batches) == 1:
        return batches
    from tqdm.auto import tqdm  # slow to import, and not needed for a single batch

    return tqdm(batches, desc="effective field", unit="batch", delay=3, leave=False)


def _require_heat(heat: Tensor) -> Tensor:
    """The map as weights that sum to one, in float64."""
    if heat.ndim != 2:
        raise ValueError(f"heat has shape {tuple(heat.shape)}; expected one map (H, W).")
    if not heat.isfinite().all() or (heat < 0).any() or not heat.any():
        raise ValueError("heat must be finite, non-negative and not zero everywhere: take |gradient|.")
    return heat.double() / heat.double().sum()


def _inside(heat: Tensor) -> Tensor:
    weights = _require_heat(heat)
    return weights > LUO_THRESHOLD * weights.max()
