"""All attention maps of a ViT-S at 224 pixels: what do they cost on top of the plain, fused forward pass?

    python -m benchmarks attention_maps

Every tool runs once in each round, in turn, so that a busy machine slows all of them alike; the ratio is the median
over the rounds of (tool / plain pass of the same round). The bound we keep is 1.3.
"""

from __future__ import annotations

from collections.abc import Callable

import timm
import torch
from timm.utils import AttentionExtract
from torch import Tensor, nn

from benchmarks._rows import Bound, Row, Tool, timed_rows
from vlmteach.probes import attention_maps

JOB = "all attention maps, vit_small, 224 px, batch 1"
ROUNDS = 40
BOUND = Bound(1.3)
PLAIN, OURS = "plain fused forward", "vlmteach attention_maps"


def build(fused: bool) -> nn.Module:
    torch.manual_seed(0)
    model = timm.create_model("vit_small_patch16_224").eval()
    for block in model.blocks:
        block.attn.fused_attn = fused
    return model


def unfused_with_hooks(model: nn.Module, image: Tensor) -> list[Tensor]:
    """The usual way without a library: switch fused attention off and listen to the dropout after softmax."""
    written: list[Tensor] = []
    hooks = [
        block.attn.attn_drop.register_forward_hook(lambda module, inputs, output: written.append(output))
        for block in model.blocks
    ]
    model(image)
    for hook in hooks:
        hook.remove()
    return written


def extractor(fused: bool, method: str, image: Tensor) -> Callable[[], int] | str:
    """What timm offers, ready to run; or the sentence it raises."""
    try:
        tool = AttentionExtract(build(fused), method=method)
    except RuntimeError as error:
        return f"raises: {error}"
    return lambda: len(tool(image))


def tools(image: Tensor) -> dict[str, Tool | str]:
    """Each tool with how many maps it gives, or the sentence it refuses with."""
    fused, unfused = build(fused=True), build(fused=False)

    def plain() -> int:
        fused(image)
        return 0

    calls: dict[str, Callable[[], int] | str] = {
        PLAIN: plain,
        OURS: lambda: len(attention_maps(fused, image).weights),
        "unfused + hook on attn_drop": lambda: len(unfused_with_hooks(unfused, image)),
        "timm AttentionExtract hook, unfused": extractor(False, "hook", image),
        "timm AttentionExtract fx, unfused": extractor(False, "fx", image),
        "timm AttentionExtract hook, fused": extractor(True, "hook", image),
        "timm AttentionExtract fx, fused": extractor(True, "fx", image),
    }
    return {name: call if isinstance(call, str) else (call, f"{call()} maps") for name, call in calls.items()}


@torch.no_grad()
def run() -> list[Row]:
    """Time every tool; the plain pass has ratio 1."""
    contestants = tools(torch.randn(1, 3, 224, 224))
    return timed_rows(JOB, contestants, ROUNDS, PLAIN, {OURS: BOUND})
