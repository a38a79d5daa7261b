"""All attention maps of a ViT-S at 224 pixels: what do they cost on top of the plain, fused forward pass?

    python -m benchmarks.attention_maps

Every tool runs once in each round, in turn, so that a busy machine slows all of them alike; the ratio is the median
over the rounds of (tool / plain pass of the same round). The bound we keep is 1.3.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import timm
import torch
from timm.utils import AttentionExtract
from torch import Tensor, nn

from benchmarks._interleaved import time_in_turn
from vlmteach.probes import attention_maps

JOB = "all attention maps, vit_small, 224 px, batch 1"
ROUNDS = 40
BOUND = 1.3


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


def tools(image: Tensor) -> dict[str, Callable[[], int] | str]:
    """Each tool as a call that returns how many maps it got, or the sentence it refuses with."""
    fused, unfused = build(fused=True), build(fused=False)

    def plain() -> int:
        fused(image)
        return 0

    return {
        "plain fused forward": plain,
        "vlmteach attention_maps": lambda: len(attention_maps(fused, image).weights),
        "unfused + hook on attn_drop": lambda: len(unfused_with_hooks(unfused, image)),
        "timm AttentionExtract hook, unfused": extractor(False, "hook", image),
        "timm AttentionExtract fx, unfused": extractor(False, "fx", image),
        "timm AttentionExtract hook, fused": extractor(True, "hook", image),
        "timm AttentionExtract fx, fused": extractor(True, "fx", image),
    }


@torch.no_grad()
def run() -> list[dict]:
    """Time every tool. Returns rows {"job", "tool", "median_ms", "ratio", "note"}; a tool that refuses has no times."""
    contestants = tools(torch.randn(1, 3, 224, 224))
    ready = {name: call for name, call in contestants.items() if callable(call)}
    maps = {name: call() for name, call in ready.items()}
    seconds = time_in_turn(ready, ROUNDS)
    rows = []
    for name, call in contestants.items():
        if isinstance(call, str):
            rows.append({"job": JOB, "tool": name, "median_ms": None, "ratio": None, "note": call})
            continue
        ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds["plain fused forward"], strict=True))
        rows.append(
            {
                "job": JOB,
                "tool": name,
                "median_ms": 1000 * statistics.median(seconds[name]),
                "ratio": ratio,
                "note": f"{maps[name]} maps",
            }
        )
    return rows


def table(rows: list[dict]) -> str:
    lines = [f"{JOB}; {ROUNDS} interleaved rounds, {torch.get_num_threads()} threads"]
    for row in rows:
        times = "     -       -" if row["ratio"] is None else f"{row['median_ms']:7.1f} ms {row['ratio']:6.2f}"
        lines.append(f"{row['tool']:<38}{times:>18}   {row['note']}")
    ours = next(row["ratio"] for row in rows if row["tool"].startswith("vlmteach"))
    lines.append(f"ours / plain = {ours:.2f}, bound {BOUND}: {'held' if ours <= BOUND else 'MISSED'}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(run()))
