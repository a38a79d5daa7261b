"""The receptive field of every node: what does it cost on top of merely tracing the network, and beside torchscan?

    python -m benchmarks.receptive_field

Every tool runs once in each round, forwards and backwards in turn, so that a busy machine and cold caches slow all of
them alike; the ratio is the median over the rounds of (tool / bare trace of the same round). We keep two bounds: ours
at most 2 bare traces, and torchscan's crawl of the same network at least 5 of ours.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from torch import fx, nn
from torchvision import models

from benchmarks._interleaved import time_in_turn
from vlmteach.probes import receptive_field

try:
    import torchscan
except ModuleNotFoundError:
    torchscan = None

NETWORKS = {
    "resnet50": "layer4",
    "vgg16": "features.30",
    "mobilenet_v2": "features",
    "densenet121": "features",
    "efficientnet_b0": "features",
}
ROUNDS = 20
MOST_TRACES, LEAST_ADVANTAGE = 2.0, 5.0
TRACE, OURS, SCAN = "bare torch.fx trace", "vlmteach receptive_field", "torchscan crawl"


def scan(model: nn.Module) -> dict:
    """Torchscan's report of one forward pass on a picture of 224 pixels."""
    return torchscan.crawl_module(model, (3, 224, 224))


def tools(model: nn.Module, last: str) -> dict[str, tuple[Callable[[], object], str]]:
    """Each tool as a call, and what its answer holds."""
    fields = receptive_field(model)
    found = {
        TRACE: (lambda: fx.Tracer().trace(model), "the graph alone"),
        OURS: (lambda: receptive_field(model), f"{len(fields)} nodes; {last}: {fields[last].size[0]} px"),
    }
    if torchscan is not None:
        last_conv = [layer for layer in scan(model)["layers"] if layer["type"] == "Conv2d"][-1]
        answer = last_conv["metrics"]["receptive_field"]["value"]
        found[SCAN] = (lambda: scan(model), f"{last_conv['path']}: {answer:g} px, its own kernel")
    return found


def time_network(name: str, last: str) -> list[dict]:
    """All tools on one network, interleaved."""
    model = models.get_model(name, weights=None).eval()
    contestants = tools(model, last)
    seconds = time_in_turn({tool: call for tool, (call, _) in contestants.items()}, ROUNDS)
    return [
        {
            "job": f"receptive field, {name}",
            "tool": tool,
            "median_ms": 1000 * statistics.median(seconds[tool]),
            "ratio": statistics.median(a / b for a, b in zip(seconds[tool], seconds[TRACE], strict=True)),
            "note": note,
        }
        for tool, (_, note) in contestants.items()
    ]


def run() -> list[dict]:
    """Time every tool on every network. Returns rows {"job", "tool", "median_ms", "ratio", "note"}."""
    return [row for name, last in NETWORKS.items() for row in time_network(name, last)]


def table(rows: list[dict]) -> str:
    """The rows as text, and for each network whether the two bounds hold."""
    lines = [f"{ROUNDS} interleaved rounds, {torch.get_num_threads()} threads; ratio to the bare trace"]
    for row in rows:
        times = f"{row['median_ms']:8.1f} ms {row['ratio']:7.2f}"
        lines.append(f"{row['job']:<34}{row['tool']:<26}{times}   {row['note']}")
    ratio = {(row["job"], row["tool"]): row["ratio"] for row in rows}
    for job in dict.fromkeys(row["job"] for row in rows):
        ours = ratio[job, OURS]
        verdict = f"{job}: ours / trace = {ours:.2f} ({'held' if ours <= MOST_TRACES else 'MISSED'})"
        if (job, SCAN) in ratio:
            advantage = ratio[job, SCAN] / ours
            verdict += f", torchscan / ours = {advantage:.1f} ({'held' if advantage >= LEAST_ADVANTAGE else 'MISSED'})"
        lines.append(verdict)
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(run()))
