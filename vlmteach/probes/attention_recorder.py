"""Read attention weights while a network runs as it always runs.

A network with fused attention never writes its weights down: it calls `scaled_dot_product_attention` and keeps only the
output. So we stand in front of that one function. Whatever came before it (norms on queries and keys, rotary positions,
masks) has then already happened and needs no rule of its own, and no kind of block has to be known by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from vlmteach.probes.picture_tokens import Run, tells_a_layout

SOFTMAX = (torch.softmax, F.softmax, Tensor.softmax)


class AttentionRecorder(TorchFunctionMode):
    """Stands in front of torch's attention functions while the network runs, and writes the weights down."""

    def __init__(self, wanted: frozenset[int] | None, batch: int) -> None:
        super().__init__()
        self.wanted, self.batch = wanted, batch
        self.names: list[str] = []
        self.weights: list[Tensor] = []
        self.layers: list[int] = []
        self.seen = 0  # attention layers so far, kept or not
        self.running: list[str] = []  # names of the modules in whose forward we are, outermost first
        self.runs: list[Run] = []  # finished modules that tell where their tokens lie

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention and self._is_wanted():
            output, weights = _attend(*args, **kwargs)
            self._keep(weights)
            return output
        if func is F.multi_head_attention_forward and self._is_wanted():
            # torch's own block can return the weights of every head; it is only rarely asked to
            output, weights = func(*args, **{**kwargs, "need_weights": True, "average_attn_weights": False})
            self._keep(weights)
            averaged = weights.mean(dim=1) if kwargs.get("average_attn_weights", True) else weights
            return output, averaged if kwargs.get("need_weights", True) else None
        result = func(*args, **kwargs)
        if func in SOFTMAX and result.ndim >= 4:
            self._refuse_unfused(result)
        return result

    def _is_wanted(self) -> bool:
        self.seen += 1
        return self.wanted is None or self.seen - 1 in self.wanted

    def _keep(self, weights: Tensor) -> None:
        self._check_whole_picture(weights)
        self.names.append(self.running[-1])
        self.weights.append(weights)
        self.layers.append(self.seen - 1)

    def _check_whole_picture(self, weights: Tensor) -> None:
        if weights.ndim != 4 or len(weights) != self.batch:
            raise ValueError(
                f"{self.running[-1]} made weights of shape {tuple(weights.shape)}; expected (B, heads, queries, keys) "
                f"with B = {self.batch}. It probably attends inside windows, as Swin does, so there is no map over the "
                "whole picture: use a ViT with global attention, or name only the global layers in layers=…."
            )

    def _refuse_unfused(self, weights: Tensor) -> None:
        """A softmax in the open: attention we would miss, or whose weights are changed before they are used."""
        self._check_whole_picture(weights)
        raise ValueError(
            f"{self.running[-1]} computes its attention step by step, and only fused attention can be read. If the "
            "module has an attribute fused_attn, set it to True; timm's default does. Otherwise use another model."
        )


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Tensor, Tensor]:
    """What scaled_dot_product_attention computes, and the weights: same arguments, same meaning of the mask."""
    if dropout_p:
        raise ValueError(f"a layer drops weights at random (p = {dropout_p}) in eval mode; its map would be noise.")
    if enable_gqa:  # several query heads share one key head
        shared = query.shape[-3] // key.shape[-3]
        key, value = key.repeat_interleave(shared, dim=-3), value.repeat_interleave(shared, dim=-3)
    if query.dtype in (torch.float16, torch.bfloat16):
        output, weights = _attend(query.float(), key.float(), value.float(), _wide(attn_mask), 0.0, is_causal, scale)
        return output.to(query.dtype), weights
    scores = query * (query.shape[-1] ** -0.5 if scale is None else scale) @ key.transpose(-2, -1)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is None:
        weights = scores.softmax(dim=-1)
    else:
        allowed = attn_mask if attn_mask.dtype == torch.bool else attn_mask > -torch.inf
        bias = 0.0 if attn_mask.dtype == torch.bool else attn_mask
        weights = (scores + bias).masked_fill(~allowed, -torch.inf).softmax(dim=-1)
        # a row with nothing to attend to has no softmax; torch's answer, and ours, is zeros
        weights = weights.masked_fill(~allowed.any(dim=-1, keepdim=True), 0.0)
    return weights @ value, weights


def _wide(mask: Tensor | None) -> Tensor | None:
    return mask.float() if mask is not None and mask.is_floating_point() else mask


def follow(model: nn.Module, recorder: AttentionRecorder) -> list[RemovableHandle]:
    """Tell the recorder, through hooks, which module is running. Returns the handles that take the hooks off."""

    def enter(name: str) -> Callable[..., None]:
        return lambda module, inputs: recorder.running.append(name)

    def leave(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            recorder.running.pop()
            run = Run(name, module, inputs, output)
            if tells_a_layout(run):
                recorder.runs.append(run)

        return hook

    handles = []
    for name, module in model.named_modules():
        if name == "" or any(module.children()):  # a linear layer or a norm never attends; not hooking it saves time
            handles += [module.register_forward_pre_hook(enter(name)), module.register_forward_hook(leave(name))]
    return handles
