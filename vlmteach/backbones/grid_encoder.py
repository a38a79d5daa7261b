"""Any CNN of torchvision or timm as an encoder: its feature map becomes tokens."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_picture
from vlmteach.nn.tokens import VisualTokens, grid_to_tokens, on_grid

PROBE_SIDE = 224  # pixels of the grey picture that is sent through once to find the grid
ADAPTIVE_POOLS = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


class GridEncoder(nn.Module):
    """A CNN as an image encoder: the output of one of its modules, (B, C, H, W), read as tokens.

    model: any torchvision or timm CNN, or any module that turns (B, 3, H, W) into a grid on its way.
    node: the module whose output is the grid, named as in model.named_modules() ("layer3", "features.29");
        without it, the last grid before the network pools it away.
    channels: C of that grid. The model is kept as it is: put a frozen one in eval mode.

    Raises ValueError for an unknown node or a model without a grid (a ViT says so), TypeError for no module.
    """

    def __init__(self, model: nn.Module, node: str | None = None) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise TypeError(f"the model is a {type(model).__name__}; expected a torch module, for instance resnet50().")
        if node is not None:
            _check_node(model, node)
        self.model = model
        outputs = _outputs_of_every_module(model)
        self.node = node if node is not None else _last_grid(outputs)
        self.channels = _check_grid(self.node, outputs)
        self._least_side = PROBE_SIDE // outputs[self.node].shape[2]  # about the stride: one whole cell must fit

    def grid(self, image: Tensor) -> Tensor:
        """The feature map of a picture: (B, 3, H, W) -> (B, C, H', W'). Nothing after the node is computed."""
        check_picture(image, at_least=self._least_side)
        self._check_mode()
        hook = self.model.get_submodule(self.node).register_forward_hook(_stop_here)
        try:
            self.model(image)
        except _GridReached as reached:
            return reached.grid
        finally:
            hook.remove()
        raise RuntimeError(f"the model ran to its end without passing {self.node!r}; choose a node it always uses.")

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


def _stop_here(module: nn.Module, inputs: Any, output: Tensor) -> None:
    raise _GridReached(output)


def _check_node(model: nn.Module, node: str) -> None:
    names = [name for name, _ in model.named_modules() if name]
    if node not in names:
        near = difflib.get_close_matches(node, names, n=3, cutoff=0.4) or names[-3:]
        raise ValueError(f"the model has no module {node!r}; did you mean {', '.join(map(repr, near))}?")


def _outputs_of_every_module(model: nn.Module) -> dict[str, Tensor]:
    """Send one grey picture through in eval mode; module name -> its output, in the order they finish."""
    outputs: dict[str, Tensor] = {}
    hooks = []
    for name, module in model.named_modules():

        def keep(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            if isinstance(output, Tensor):
                outputs[name] = output

        if name:
            hooks.append(module.register_forward_hook(keep))
    modes = {module: module.training for module in model.modules()}
    like = next(model.parameters(), torch.zeros(()))
    try:
        model.eval()  # a probe must not move BatchNorm's running averages
        with torch.no_grad():
            model(torch.full((1, 3, PROBE_SIDE, PROBE_SIDE), 0.5, device=like.device, dtype=like.dtype))
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
    # pools that bring every picture to one size hide the network's own grid
    fixed = {name for name, module in model.named_modules() if isinstance(module, ADAPTIVE_POOLS)}
    return {name: output for name, output in outputs.items() if name not in fixed}


def _is_grid(output: Tensor) -> bool:
    # a square picture gives a square grid, so (1, 7, 7, 768) is seen to have its channels last
    return output.ndim == 4 and output.shape[2] == output.shape[3] and output.shape[2] > 1


def _last_grid(outputs: dict[str, Tensor]) -> str:
    last = ""
    tokens_after = ""
    for name, output in outputs.items():
        if _is_grid(output):
            last, tokens_after = name, ""
        elif output.ndim == 3 and not tokens_after:
            tokens_after = name
    if tokens_after:
        raise ValueError(
            f"this model works on tokens, not on a grid (from {tokens_after!r} on its outputs are (B, N, D)): it looks "
            "like a Vision Transformer. Use vit_from_timm, or name a node whose output is a grid."
        )
    if not last:
        raise ValueError("no module of this model gives a grid (B, C, H, W) larger than 1 x 1; expected a CNN.")
    return last


def _check_grid(node: str, outputs: dict[str, Tensor]) -> int:
    if node not in outputs:
        raise ValueError(
            f"module {node!r} gives no feature map of the network's own size (it was not run, returns no tensor, or "
            "pools every picture to one size); expected a module whose output is (B, C, H, W)."
        )
    if not _is_grid(outputs[node]):
        raise ValueError(
            f"module {node!r} gives shape {tuple(outputs[node].shape)} for a {PROBE_SIDE} x {PROBE_SIDE} picture; "
            "expected a grid (B, C, H, W) with H = W > 1. Choose an earlier module, or one with its channels second."
        )
    return outputs[node].shape[1]
