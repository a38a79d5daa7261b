"""Any CNN of torchvision or timm as an encoder: its feature map becomes tokens."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.backbones.grid_node import PROBE_SIDE, check_grid, check_node, last_grid, walk_through
from vlmteach.nn.checks import check_picture
from vlmteach.nn.tokens import VisualTokens, grid_to_tokens, on_grid
from vlmteach.probes.network import as_written, has_compiled_parts, only_tensor, plain_network


class GridEncoder(nn.Module):
    """A CNN as an image encoder: the output of one of its modules, (B, C, H, W), read as tokens.

    model: any torchvision or timm CNN, or any module that turns (B, 3, H, W) into a grid on its way. What wraps it
        (torch.compile, DataParallel) is taken off, since the grid leaves it on the way.
    node: the module whose output is the grid, named as in model.named_modules() ("layer3", "features.29");
        without it, the last grid before the layer that answers, be that layer a matrix behind a pool (ResNet) or a
        convolution (SqueezeNet, whose class scores are a grid, too, but none of features).
    channels: C of that grid. The model is kept as it is: put a frozen one in eval mode.

    Raises ValueError for an unknown node or a model without a grid (a ViT says so), TypeError for no module.
    """

    def __init__(self, model: nn.Module, node: str | None = None) -> None:
        super().__init__()
        model = plain_network(model)
        if node is not None:
            check_node(model, node)
        self.model = model
        walk = walk_through(model)
        self.node = node if node is not None else last_grid(model, walk)
        self.channels, side = check_grid(model, self.node, walk)
        self._least_side = PROBE_SIDE // side  # about the stride: one whole cell must fit

    def grid(self, image: Tensor) -> Tensor:
        """The feature map of a picture: (B, 3, H, W) -> (B, C, H', W'). Nothing after the node is computed."""
        check_picture(image, at_least=self._least_side)
        self._check_mode()
        hook = self.model.get_submodule(self.node).register_forward_hook(_stop_here)
        try:
            # not always: an encoder that was compiled as a whole must not be switched off from its own inside
            with as_written() if has_compiled_parts(self.model) else nullcontext():
                self.model(image)
        except _GridReached as reached:
            if reached.cut_off and torch.is_grad_enabled() and any(p.requires_grad for p in self.model.parameters()):
                warnings.warn(
                    f"The model switches gradients off before {self.node!r} (torch.no_grad or reentrant "
                    "checkpointing), so nothing in it will learn; encoder.requires_grad_(False) says that this is "
                    "meant.",
                    stacklevel=2,
                )
            return reached.grid
        finally:
            hook.remove()
        raise RuntimeError(
            f"the model ran to its end without passing {self.node!r}; choose a node it always uses. Gradient "
            "checkpointing may pass by whole stages: choose the last block inside, or switch it off."
        )

    def forward(self, image: Tensor) -> VisualTokens:
        """One token for each cell of the grid: (B, 3, H, W) -> tokens (B, H'*W', C) with their boxes."""
        grid = self.grid(image)
        height, width = grid.shape[2:]
        return on_grid(grid_to_tokens(grid), height, width)

    def _check_mode(self) -> None:
        frozen = not any(parameter.requires_grad for parameter in self.model.parameters())
        if frozen and any(isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training for m in self.model.modules()):
            raise ValueError(
                "the encoder is frozen but its BatchNorm is in training mode, so a picture's tokens would depend on "
                "the other pictures of the batch; call encoder.eval() first."
            )


class _GridReached(Exception):
    """Carries the grid out of the model, so that layers after it (which may want another size) never run."""

    def __init__(self, grid: Tensor) -> None:
        super().__init__()
        self.grid = grid
        self.cut_off = not torch.is_grad_enabled()  # here, on the way; outside they may be on


def _stop_here(module: nn.Module, inputs: Any, output: Any) -> None:
    grid = only_tensor(output)
    assert grid is not None  # as it was when the node was chosen
    raise _GridReached(grid)
