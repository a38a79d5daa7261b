"""Who may look at whom in a real system: read from the masks that its own layers hand to torch's attention."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

FUSED = F.scaled_dot_product_attention


@dataclass(frozen=True)
class Mask:
    """Which pairs a language model's layers allow, taken together.

    pairs: (queries, visual + words), True where the query may look; the visual tokens come first. With a prefix the
    queries are the visual tokens and the words; with cross-attention the words alone.
    visual: the number of visual tokens.
    """

    pairs: Tensor
    visual: int

    @property
    def kind(self) -> str:
        """What it is in words: "cross-attention", "causal", or who sees each other beyond that."""
        if len(self.pairs) < self.pairs.shape[1]:
            return "cross-attention"
        if not self.pairs[: self.visual, : self.visual].all():
            return "causal"
        return "visual tokens and question see each other" if self.pairs.all() else "visual tokens see each other"


def read_mask(run: Callable[[], Any], language_model: nn.Module, visual: int) -> Mask:
    """Run a system once and read the masks of its language model's layers. visual: its number of visual tokens."""
    seen = _MaskReader()
    handles = [
        language_model.register_forward_pre_hook(lambda *_: seen.turn(True)),
        language_model.register_forward_hook(lambda *_: seen.turn(False)),
    ]
    try:
        with torch.no_grad(), seen:
            run()
    finally:
        for handle in handles:
            handle.remove()
    among = [pairs for pairs in seen.masks if pairs.shape[0] == pairs.shape[1]]
    across = [pairs for pairs in seen.masks if pairs.shape[0] != pairs.shape[1]]
    words = torch.stack(among).any(dim=0)
    if not across:
        return Mask(words, visual)
    return Mask(torch.cat([torch.stack(across).any(dim=0)[:, :visual], words], dim=1), visual)


class _MaskReader(TorchFunctionMode):
    """Stands in front of torch's attention while it is turned on."""

    def __init__(self) -> None:
        super().__init__()
        self.on = False
        self.masks: list[Tensor] = []

    def turn(self, on: bool) -> None:
        self.on = on

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is FUSED and self.on:
            self.masks.append(_pairs(*args, **(kwargs or {})))
        return func(*args, **(kwargs or {}))


def _pairs(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *_: Any, **more: Any) -> Tensor:
    """The pairs that one call allows: (queries, keys)."""
    queries, keys = query.shape[-2], key.shape[-2]
    if attn_mask is not None:
        allowed = attn_mask if attn_mask.dtype == torch.bool else attn_mask > torch.finfo(attn_mask.dtype).min / 2
        return allowed.expand(1, 1, queries, keys)[0, 0]
    every = torch.ones(queries, keys, dtype=torch.bool)
    return every.tril() if more.get("is_causal") else every
