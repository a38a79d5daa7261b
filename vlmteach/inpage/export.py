"""What of a model goes into a page: the tree of its modules with their settings, and its weights.

A page knows only the kinds of modules of KINDS, with only some settings; everything else is refused when the page is
built, never left out. Nothing exported is committed: a page is built from weights that were checked against the record.
"""

from __future__ import annotations

import base64
import copy
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vlmteach import nn as ours
from vlmteach.experiments.matrix.models import MEAN, STD, Standardise
from vlmteach.nn.convnet import ConvBlock
from vlmteach.nn.positions import LearnedPositions
from vlmteach.nn.transformer import Mlp

Settings = dict[str, Any]
LARGEST = float(torch.finfo(torch.float16).max)


class ModelRefused(ValueError):
    """A model holds something that a page cannot compute; the sentence says what, and where."""


def _convolution(conv: nn.Conv2d) -> Settings:
    def one(name: str) -> int:
        value: Any = getattr(conv, name)
        first, *others = (value,) if isinstance(value, int | str) else value
        _expect(conv, name, value, all(other == first for other in others) and isinstance(first, int), "one number")
        return int(first)

    _expect(conv, "groups", conv.groups, conv.groups == 1, "1")
    known = conv.padding_mode in ("zeros", "circular")
    _expect(conv, "padding_mode", conv.padding_mode, known, "'zeros' or 'circular'")
    return {
        "kernel": one("kernel_size"),
        "stride": one("stride"),
        "padding": one("padding"),
        "dilation": one("dilation"),
        "padding_mode": conv.padding_mode,
    }


def _gelu(gelu: nn.GELU) -> Settings:
    _expect(gelu, "approximate", gelu.approximate, gelu.approximate == "none", "'none'")
    return {}


def _layer_norm(norm: nn.LayerNorm) -> Settings:
    _expect(norm, "normalized_shape", norm.normalized_shape, len(norm.normalized_shape) == 1, "one width")
    _expect(norm, "weight", norm.weight, norm.weight is not None and norm.bias is not None, "weight and bias")
    return {"eps": norm.eps}


def _batch_norm(norm: nn.BatchNorm2d) -> Settings:
    _expect(norm, "affine", norm.affine, norm.affine, "True")
    _expect(norm, "track_running_stats", norm.track_running_stats, norm.track_running_stats, "True")
    return {"eps": norm.eps}


def _vit(vit: ours.VisionTransformer) -> Settings:
    _expect(
        vit,
        "prefix_tokens",
        vit.prefix_tokens.shape[1],
        vit.prefix_tokens.shape[1] == 0,
        "no CLS token and no registers",
    )
    return {}


def _heads(module: ours.MultiHeadAttention | ours.CrossAttention) -> Settings:
    return {"num_heads": module.num_heads}


def _nothing(_module: nn.Module) -> Settings:
    return {}


# Each kind of module that model.js computes, by its exact type, and what it must be told beside its weights.
KINDS: dict[type[nn.Module], Callable[[Any], Settings]] = {
    nn.Identity: _nothing,
    nn.Sequential: _nothing,
    nn.ModuleList: _nothing,
    nn.Linear: _nothing,
    nn.ReLU: _nothing,
    nn.GELU: _gelu,
    nn.Embedding: _nothing,
    nn.LayerNorm: _layer_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Conv2d: _convolution,
    Standardise: lambda _: {"mean": MEAN, "std": STD},
    ConvBlock: _nothing,
    ours.ConvNet: _nothing,
    ours.PatchEmbed: _nothing,
    LearnedPositions: _nothing,
    ours.VisionTransformer: _vit,
    ours.MultiHeadAttention: _heads,
    ours.CrossAttention: _heads,
    Mlp: _nothing,
    ours.TransformerBlock: _nothing,
    ours.NormTokens: _nothing,
    ours.Projector: _nothing,
    ours.AddPositions: _nothing,
    ours.MeanPool: _nothing,
    ours.Prefix: _nothing,
    ours.CrossAttentionConnector: _nothing,
    ours.Connect: _nothing,
    ours.LanguageModel: _nothing,
    ours.VisionLanguageModel: _nothing,
}


def pack_model(model: ours.VisionLanguageModel) -> dict[str, Any]:
    """A model as plain JSON: {module: the tree, tensors: names, shapes and the float16 bytes of all of them}.

    Raises ModelRefused for a module, a setting or a weight that a page cannot compute with, and in training mode.
    """
    if any(module.training for module in model.modules()):
        raise ModelRefused("the model is in training mode; a page computes as in eval mode: call model.eval() first.")
    described = _describe(model)
    tensors = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    halves = np.concatenate([_as_half(name, tensor).ravel() for name, tensor in tensors.items()])
    planes = halves.view(np.uint8).reshape(-1, 2).T  # all low bytes, then all high bytes: alike ones side by side
    packed = zlib.compress(np.ascontiguousarray(planes).tobytes(), level=9)
    return {
        "module": described,
        "tensors": {
            "names": list(tensors),
            "shapes": [list(tensor.shape) for tensor in tensors.values()],
            "bytes": base64.b64encode(packed).decode("ascii"),
        },
    }


def as_in_page(model: ours.VisionLanguageModel) -> ours.VisionLanguageModel:
    """A copy of the model with its weights rounded as a page holds them: what the page must equal."""
    rounded = copy.deepcopy(model)
    with torch.no_grad():
        for tensor in rounded.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())
    return rounded


def _describe(module: nn.Module, name: str = "the model") -> dict[str, Any]:
    if type(module) not in KINDS:
        known = ", ".join(kind.__name__ for kind in KINDS)
        raise ModelRefused(
            f"{name} is a {type(module).__name__}, which a page cannot compute; expected one of {known}. "
            "Write its function into model.js and its settings into KINDS."
        )
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return {
        "type": type(module).__name__,
        "settings": KINDS[type(module)](module),
        "tensors": [part for part, tensor in own if tensor.is_floating_point()],
        "parts": {
            part: _describe(child, part if name == "the model" else f"{name}.{part}")
            for part, child in module.named_children()
        },
    }


def _as_half(name: str, tensor: Tensor) -> np.ndarray:
    if not (tensor.abs() <= LARGEST).all():  # NaN is not
        raise ModelRefused(f"{name} holds NaN or numbers beyond {LARGEST:g}, the largest of float16.")
    return tensor.detach().cpu().to(torch.float16).numpy().astype("<f2")


def _expect(module: nn.Module, name: str, value: object, holds: bool, expected: str) -> None:
    if not holds:
        raise ModelRefused(f"{name} of a {type(module).__name__} is {value!r}; a page can compute only {expected}.")
