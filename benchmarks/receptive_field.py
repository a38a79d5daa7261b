"""The receptive field of every node: what does it cost on top of merely tracing the network, and beside torchscan?

    python -m benchmarks receptive_field

Every tool runs once in each round, forwards and backwards in turn, so that a busy machine and cold caches slow all of
them alike; the ratio is the median over the rounds of (tool / bare trace of the same round). We keep one bound: ours at
most 2 bare traces. Torchscan's crawl does other work as well: it runs the network on a picture and counts operations.
"""

from __future__ import annotations

from types import ModuleType

from torch import fx, nn
from torchvision import models

from benchmarks._rows import Bound, Row, Tool, load, timed_rows
from vlmteach.probes import receptive_field

NETWORKS = {
    "resnet50": "layer4",
    "vgg16": "features.30",
    "mobilenet_v2": "features",
    "densenet121": "features",
    "efficientnet_b0": "features",
}
ROUNDS = 20
MOST_TRACES = 2.0
TRACE, OURS, SCAN = "bare torch.fx trace", "vlmteach receptive_field", "torchscan crawl"


def tools(model: nn.Module, last: str) -> dict[str, Tool | str]:
    """Each tool as a call, and what its answer holds."""
    fields = receptive_field(model)
    torchscan = load("torchscan", "torchscan")
    return {
        TRACE: (lambda: fx.Tracer().trace(model), "the graph alone"),
        OURS: (lambda: receptive_field(model), f"{len(fields)} nodes; {last}: {fields[last].size[0]} px"),
        SCAN: torchscan if isinstance(torchscan, str) else crawl(torchscan, model),
    }


def crawl(torchscan: ModuleType, model: nn.Module) -> Tool:
    """Torchscan's report of one forward pass on a picture of 224 pixels, operations counted."""

    def scan() -> dict:
        return torchscan.crawl_module(model, (3, 224, 224))

    last_conv = [layer for layer in scan()["layers"] if layer["type"] == "Conv2d"][-1]
    answer = last_conv["metrics"]["receptive_field"]["value"]
    return scan, f"{last_conv['path']}: {answer:g} px, its own kernel; with a forward pass and its operations"


def time_network(name: str, last: str) -> list[Row]:
    """All tools on one network; the bare trace has ratio 1."""
    model = models.get_model(name, weights=None).eval()
    return timed_rows(f"receptive field, {name}", tools(model, last), ROUNDS, TRACE, {OURS: Bound(MOST_TRACES)})


def run() -> list[Row]:
    """Time every tool on every network."""
    return [row for name, last in NETWORKS.items() for row in time_network(name, last)]
