"""Trained weights in other formats, under the names that timm gives the same tensors. Nothing in a file is ever run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

import torch
from torch import Tensor

# Hugging Face's names in a DINOv2, from left to right -> timm's
DINOV2_NAMES = {
    r"^embeddings\.cls_token$": "cls_token",
    r"^embeddings\.patch_embeddings\.projection\.": "patch_embed.proj.",
    r"^encoder\.layer\.": "blocks.",
    r"\.attention\.output\.dense\.": ".attn.proj.",
    r"\.layer_scale(\d)\.lambda1$": r".ls\1.gamma",
    r"^layernorm\.": "norm.",
}
BACKBONE = "backbone."  # what comes after it in the file is a head for saliency
# The exporter computed the positions ahead of time, which cost them their names: of CLS, and of 37 x 37 patches.
DINOV2_POSITIONS = ("onnx::Concat_1957", "onnx::Reshape_1962")


def efficientnet_from_pth(data: bytes, names: Iterable[str]) -> dict[str, Tensor]:
    """A pickle of tensors in timm's order under other names, read by torch's loader that unpickles nothing else.

    names: timm's, in order. Raises ValueError when there are more or fewer tensors.
    """
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return {name: tensor.contiguous() for name, tensor in zip(names, state.values(), strict=True)}


def dinov2_from_onnx(data: bytes, names: Iterable[str]) -> dict[str, Tensor]:
    """The DINOv2 in an ONNX file that was exported from Hugging Face's, without the head behind it.

    Vectors have kept their names. A matrix has lost it and is found by the MatMul that uses it, transposed.
    names: timm's; those of one layer's queries, keys and values are one there ("qkv").
    Raises ImportError without the package onnx, KeyError for a graph without one of the tensors.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(data).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}

    def read(name: str) -> Tensor:
        return torch.from_numpy(numpy_helper.to_array(stored[name]).copy())

    found = {name.removeprefix(BACKBONE): read(name) for name in stored if name.startswith(BACKBONE)}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored:
            layer = node.name.strip("/").removesuffix("/MatMul").replace("/", ".").removeprefix(BACKBONE)
            found[f"{layer}.weight"] = read(node.input[1]).T.contiguous()
    renamed = {_timm_name(name): tensor for name, tensor in found.items()}
    renamed["pos_embed"] = torch.cat([read(name) for name in DINOV2_POSITIONS], dim=1)
    return {name: _joined(renamed, name) if ".qkv." in name else renamed[name] for name in names}


def _timm_name(name: str) -> str:
    for theirs, ours in DINOV2_NAMES.items():
        name = re.sub(theirs, ours, name)
    return name


def _joined(renamed: dict[str, Tensor], name: str) -> Tensor:
    """Queries, keys and values of a layer, one below the other."""
    parts = (name.replace("attn.qkv", f"attention.attention.{part}") for part in ("query", "key", "value"))
    return torch.cat([renamed[part] for part in parts])
