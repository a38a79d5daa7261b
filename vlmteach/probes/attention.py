"""Who attends to whom: the attention weights of any network, taken from one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.probes.attention_axes import NoMap
from vlmteach.probes.attention_recorder import AttentionRecorder, Kept, follow
from vlmteach.probes.network import in_training, own_copy, plain_network, reading
from vlmteach.probes.picture_tokens import PictureTokens, picture_tokens


class NoAttention(ValueError):
    """A model was asked for attention maps and computes none; the sentence says what to ask instead."""


@dataclass(frozen=True)
class AttentionMaps:
    """The attention weights of one forward pass, in the order in which the network computed them.

    names:   the module that attended, one name a layer ("blocks.0.attn").
    weights: one (B, heads, queries, keys) tensor a layer; every row sums to 1, or to 0 where a mask left nothing.
    layers:  the place of each kept layer in forward order, counted from 0.
    picture: where the picture's tokens are (prefix tokens, height, width and the encoder's name), None when the
             network does not tell.
    """

    names: tuple[str, ...]
    weights: tuple[Tensor, ...]
    layers: tuple[int, ...]
    picture: PictureTokens | None

    @property
    def num_prefix_tokens(self) -> int:
        """The number of CLS and register tokens in front of the patches. Raises ValueError when it is unknown."""
        return self._known().num_prefix_tokens

    @property
    def grid(self) -> tuple[int, int]:
        """(height, width) of the picture in tokens. Raises ValueError when it is unknown."""
        return self._known().height, self._known().width

    def __getitem__(self, name: str) -> Tensor:
        """The weights (B, heads, queries, keys) of the module with this name. Raises KeyError with the known names."""
        if self.names.count(name) != 1:
            raise KeyError(
                f"{name!r} stands for {self.names.count(name)} layers; expected exactly one of: {', '.join(self.names)}"
            )
        return self.weights[self.names.index(name)]

    def among_picture_tokens(self) -> AttentionMaps:
        """Only the layers in which the picture's own tokens attend to each other: (B, heads, N, N) each.

        A pooling head (one query), a connector and a language model are left out; their weights stay in `weights`.
        Raises ValueError when no such layer was kept.
        """
        picture = self._known()
        kept = [
            i
            for i, (name, weights) in enumerate(zip(self.names, self.weights, strict=True))
            if picture.contains(name) and tuple(weights.shape[-2:]) == (picture.count, picture.count)
        ]
        if not kept:
            raise ValueError(
                f"none of the layers {', '.join(self.names)} lets the picture's {picture.count} tokens attend to each "
                "other. Keep at least one layer of the encoder in attention_maps(…, layers=…)."
            )
        return AttentionMaps(
            tuple(self.names[i] for i in kept),
            tuple(self.weights[i] for i in kept),
            tuple(self.layers[i] for i in kept),
            picture,
        )

    def _known(self) -> PictureTokens:
        if self.picture is None:
            raise ValueError(
                "the network did not tell where its tokens lie in the picture (or shuffles them, as ViTMAE does), so "
                "places and distances have no meaning here. Probe an encoder that returns VisualTokens, or a ViT of "
                "timm, torchvision or transformers."
            )
        return self.picture


def attention_maps(model: nn.Module, image: Any, *more: Any, layers: Sequence[int] | None = None) -> AttentionMaps:
    """Run the model once and keep its attention weights; fused attention stays on.

    model:  our encoders, connectors and language model, any ViT of timm, torchvision or Hugging Face, compiled or not;
            in eval mode.
    image:  what the model takes first, a picture (B, C, H, W) for an encoder; `more` are its further arguments.
    layers: which layers to keep, counted from 0 in forward order; None keeps all. Only what is kept costs memory.

    No gradients are recorded. Weights are float32 whatever the network computes in (float64 of a float64 network).
    Attention in one fused step is read, torch's own block, and a softmax in the open that values are multiplied with.
    Where heads and several pictures share one axis, the model is run a second time to tell them apart.
    Raises ValueError when nothing was captured (a CNN), when a layer does not exist, attends inside windows (Swin) or
    among channels, compares no queries with keys (linear attention), or changes its weights after the softmax, and for
    a model in training mode.
    """
    wanted = None if layers is None else _check_layers(layers)
    model = plain_network(model)
    _check_model(model, image)
    recorder = _record(model, image, more, wanted)
    _check_captured(model, recorder)
    if any(kept.pictures is not None for kept in recorder.kept):
        other = _record(model, _with_another_first(image, recorder), more, wanted)
        weights = [_by_head(kept, again.weights) for kept, again in zip(recorder.kept, other.kept, strict=True)]
    else:
        weights = [kept.weights for kept in recorder.kept]
    names = tuple(kept.name for kept in recorder.kept)
    picture = picture_tokens(recorder.layouts, image, dict(zip(names, weights, strict=True)))
    return AttentionMaps(names, tuple(weights), tuple(kept.layer for kept in recorder.kept), picture)


def every_attention_map(model: nn.Module, image: Any, *more: Any) -> AttentionMaps:
    """attention_maps of all layers, for a probe whose caller cannot leave any out: no error speaks of layers=…."""
    try:
        return attention_maps(model, image, *more)
    except NoMap as problem:
        raise ValueError(
            f"{problem.reason}; expected a network whose layers all attend over the whole picture, or none."
        ) from problem


def _record(model: nn.Module, image: Any, more: Sequence[Any], wanted: frozenset[int] | None) -> AttentionRecorder:
    recorder = AttentionRecorder(wanted, image)
    handles = follow(model, recorder)
    try:
        with reading(), recorder:
            model(own_copy(image), *map(own_copy, more))
    finally:
        for handle in handles:
            handle.remove()
    return recorder


def _with_another_first(image: Any, recorder: AttentionRecorder) -> Tensor:
    """The same batch with another first picture: the weights that this changes are that picture's own."""
    pictures = next(kept.pictures for kept in recorder.kept if kept.pictures is not None)
    if not isinstance(image, Tensor) or not image.is_floating_point():
        raise ValueError(
            f"heads and the {pictures} pictures of the batch share one axis of the weights, in an order that the model "
            "does not tell; pass one picture at a time."
        )
    other = image.clone()
    first = other[0] if len(other) == pictures else other[:, 0]
    first.copy_(torch.randn(first.shape, generator=torch.Generator().manual_seed(0)) * (image.std() + 1))
    return other


def _by_head(kept: Kept, other: Tensor) -> Tensor:
    """Weights (B * heads, N, M) or (heads * B, N, M) -> (B, heads, N, M); the first picture is another in `other`."""
    if kept.pictures is None:
        return kept.weights
    changed = (kept.weights != other).flatten(1).any(dim=1)
    places = torch.arange(len(changed), device=changed.device)
    heads = len(changed) // kept.pictures
    if torch.equal(changed, places < heads):
        return kept.weights.unflatten(0, (kept.pictures, heads))
    if torch.equal(changed, places % kept.pictures == 0):
        return kept.weights.unflatten(0, (heads, kept.pictures)).transpose(0, 1)
    raise ValueError(
        f"{kept.name} made {len(changed)} maps for {kept.pictures} pictures, and which belongs to which picture cannot "
        "be told; pass one picture at a time."
    )


def _check_layers(layers: Sequence[int]) -> frozenset[int]:
    if not layers or any(not isinstance(layer, int) or layer < 0 for layer in layers):
        raise ValueError(
            f"layers is {layers!r}; expected at least one whole number, counted from 0 in forward order. "
            "The number of layers is known only after a pass, so they cannot be counted from the end."
        )
    return frozenset(layers)


def _check_model(model: nn.Module, image: Any) -> None:
    if in_training(model):
        raise ValueError("the model is in training mode, where dropout changes the maps; call model.eval() first.")
    if hasattr(model, "patch_embed") and (not isinstance(image, Tensor) or image.ndim != 4):
        given = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(f"the picture is {given}; expected a tensor (B, C, H, W). A single picture needs image[None].")


def _check_captured(model: nn.Module, recorder: AttentionRecorder) -> None:
    if recorder.seen == 0:
        raise NoAttention(
            f"{type(model).__name__} computed no attention that torch shows: no scaled_dot_product_attention, and no "
            "softmax with which values were multiplied. A CNN has no attention maps; ask effective_receptive_field "
            "where it looks. A ViT with kernels of its own (flash-attn, flex_attention, xFormers) can be made with "
            'torch\'s: attn_implementation="sdpa" in transformers.'
        )
    missing = sorted((recorder.wanted or frozenset()) - set(range(recorder.seen)))
    if missing:
        raise ValueError(
            f"there is no layer {', '.join(map(str, missing))}: {type(model).__name__} has {recorder.seen} attention "
            f"layers, 0 to {recorder.seen - 1}."
        )
