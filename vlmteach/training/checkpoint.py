"""Checkpoints: named tensors and a description in one safetensors file, verified on loading, never unpickled.

A pickle can run any code when it is loaded; a safetensors file holds a table of contents and numbers, nothing else.
The file carries a SHA-256 of its own content, so a flipped bit or a file that stopped half-way is found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from vlmteach.training.atomic import write_whole

FORMAT = "vlmteach checkpoint 1"


class CheckpointError(ValueError):
    """A file is no checkpoint of ours, is damaged, or fits something else; the message names the file and why."""


@dataclass(frozen=True)
class Checkpoint:
    """What a file held.

    tensors: by name, on the CPU. metadata: what was said about them, plain JSON values.
    sha256:  of the content (names, types, shapes, numbers, metadata), as 64 hexadecimal digits.
    source:  the file, for messages.
    """

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]
    sha256: str
    source: str


def save_checkpoint(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any] | None = None) -> str:
    """Write tensors and metadata to a file, whole or not at all, and return the SHA-256 of the content.

    metadata: anything JSON can hold; NaN it cannot. Raises ValueError or TypeError for what does not fit into the file,
    OSError when the disk refuses; an older file of that name then stays as it was.
    """
    about = json.dumps(dict(metadata or {}), sort_keys=True, allow_nan=False)
    # a copy each: safetensors refuses tensors that share memory or are views with gaps
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    digest = _digest(copies, about)
    data = safetensors.torch.save(copies, metadata={"format": FORMAT, "sha256": digest, "about": about})
    write_whole(Path(path), data)
    return digest


def load_checkpoint(path: str | Path, sha256: str | None = None) -> Checkpoint:
    """Read a file that save_checkpoint wrote, and verify it.

    sha256: the content expected, for a file that came from elsewhere.
    Raises FileNotFoundError, or CheckpointError when the file is damaged, foreign, or of another content.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no checkpoint {path}. Train the model first, or correct the path.") from None
    try:
        tensors = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}). It was not loaded, and nothing in it was run. "
            "Copy or make it again."
        ) from error
    # the table of contents was checked by safetensors just now: 8 bytes of length, then JSON
    contents = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    stored = contents.get("__metadata__", {})
    if stored.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a checkpoint of this course: its format is "
            f"{stored.get('format')!r}; expected {FORMAT!r}. Load it with the tool that wrote it."
        )
    about = stored.get("about", "")
    digest = _digest(tensors, about)
    if digest != stored.get("sha256"):
        raise CheckpointError(
            f"{path} is damaged: its content has the SHA-256 {digest}, but it was saved as {stored.get('sha256')}. "
            "Copy or make it again."
        )
    if sha256 is not None and digest != sha256:
        raise CheckpointError(
            f"{path} holds something else than expected: its content has the SHA-256 {digest}; expected {sha256}. "
            "It may come from another version of the course; install that one, or train again."
        )
    return Checkpoint(tensors, json.loads(about), digest, str(path))


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Give a module exactly these weights: every name, shape and type must be the module's own.

    source: where they come from, for the message. Raises CheckpointError that names what does not fit; the module is
    then unchanged.
    """
    own = module.state_dict()
    wrong = [f"{name} is missing" for name in own.keys() - tensors.keys()]
    wrong += [f"{name} is unknown to the model" for name in tensors.keys() - own.keys()]
    for name in own.keys() & tensors.keys():
        given, expected = tensors[name], own[name]
        if given.shape != expected.shape or given.dtype != expected.dtype:
            wrong.append(f"{name} is {_kind(given)}, in the model {_kind(expected)}")
    if wrong:
        raise CheckpointError(
            f"{source} does not fit this {type(module).__name__}: {'; '.join(sorted(wrong)[:4])}"
            f"{'; and more' if len(wrong) > 4 else ''}. Build the model with the arguments it was trained with."
        )
    module.load_state_dict(dict(tensors))


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _digest(tensors: Mapping[str, Tensor], about: str) -> str:
    """SHA-256 over the content, not the file: the order inside a safetensors header is not fixed."""
    digest = hashlib.sha256(about.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
