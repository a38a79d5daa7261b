"""LoRA: train a layer by a small product beside it, and leave its own weights as they are.

    y = base(x) + (x @ down) @ up        down (in, r), up (r, out): r numbers in between

Source: arXiv 2106.09685, section 4.1. `up` starts at zero, so that nothing changes before training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_positive


class LoRA(nn.Module):
    """A linear layer whose weights are frozen, with a product of rank `rank` beside it that learns.

    (…, in) -> (…, out), as the layer itself. Raises TypeError for anything but a linear layer.
    """

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        if not isinstance(base, nn.Linear):
            raise TypeError(f"LoRA stands beside a linear layer; got a {type(base).__name__}.")
        check_positive(rank=rank)
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(base.in_features, rank) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(rank, base.out_features))

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) -> (…, out)."""
        return self.base(x) + (x @ self.down) @ self.up

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One linear layer that does the same: after training nothing extra is left to compute."""
        layer = nn.Linear(self.base.in_features, self.base.out_features, bias=self.base.bias is not None)
        layer.weight.copy_(self.base.weight + (self.down @ self.up).T)
        if layer.bias is not None:
            layer.bias.copy_(self.base.bias)
        return layer


def with_lora(model: nn.Module, rank: int) -> nn.Module:
    """Freeze a model in place and put a LoRA around each of its linear layers; returns the model.

    Raises ValueError for a model without a linear layer inside.
    """
    model.requires_grad_(False)
    places = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if isinstance(layer, nn.Linear) and not isinstance(parent, LoRA)
    ]
    if not places:
        raise ValueError(f"{type(model).__name__} has no linear layer inside for a LoRA to stand beside.")
    for parent, name, layer in places:
        setattr(parent, name, LoRA(layer, rank))
    return model
