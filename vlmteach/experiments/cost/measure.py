"""Measure what one picture costs: tokens, operations, milliseconds and memory, for encoders and for connectors."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from vlmteach.experiments.cost.memory import PeakMemory
from vlmteach.experiments.matrix.models import DEPTH, DIM, HEADS, LATENTS
from vlmteach.nn import (
    Connect,
    ConvNet,
    LanguageModel,
    NormTokens,
    PerceiverResampler,
    Prefix,
    Projector,
    SpaceToDepth,
    VisionTransformer,
    WordTokenizer,
    on_grid,
    packed_mask,
)
from vlmteach.pictures.look import CELL
from vlmteach.pictures.scenes.questions import LENGTH, VOCABULARY
from vlmteach.training import one_thread

SIDES = (48, 96, 144, 192, 288, 384)  # pixels
REPEATS = 5  # of each timing; the median counts

MEASURED_ENCODERS: dict[str, tuple[str, Callable[[int], nn.Module]]] = {
    "cnn": ("CNN grid", lambda side: ConvNet(DIM, (1, 1, 1), stem="patch", stride=CELL)),
    "vit": ("ViT patches", lambda side: VisionTransformer(side, CELL, DIM, depth=2, num_heads=HEADS, cls=False)),
}
MEASURED_CONNECTORS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "projector": ("every token", lambda: Projector(DIM, DIM, depth=2)),
    "space-to-depth": (
        "pixel shuffle, 2 × 2 tokens in one",
        lambda: nn.Sequential(SpaceToDepth(2), Projector(4 * DIM, DIM, depth=2)),
    ),
    "resampler": (
        f"resampler, {LATENTS} latents",
        lambda: PerceiverResampler(DIM, latents=LATENTS, depth=1, num_heads=HEADS),
    ),
}


def _attention_flops(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)


# torch's counter knows fused attention on GPUs only, and would silently count none
_FUSED = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops}


def measure(compute: Callable[[], Tensor]) -> dict[str, Any]:
    """Operations (FLOPs, two for a product and its sum), milliseconds on one core, peak bytes of tensors."""
    with torch.inference_mode(), one_thread():
        with FlopCounterMode(display=False, custom_mapping=_FUSED) as operations:
            compute()
        with PeakMemory() as memory:
            compute()
        seconds = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            compute()
            seconds.append(time.perf_counter() - begin)
    milliseconds = round(1000 * statistics.median(seconds), 3)
    return {"flops": operations.get_total_flops(), "milliseconds": milliseconds, "bytes": memory.peak}


def measure_encoder(name: str, side: int) -> dict[str, Any]:
    """One encoder on one picture of side × side pixels."""
    encoder = MEASURED_ENCODERS[name][1](side).eval().requires_grad_(False)
    picture = torch.zeros(1, 3, side, side)
    return {"encoder": name, "side": side, "tokens": (side // CELL) ** 2, **measure(lambda: encoder(picture).tokens)}


def measure_connector(name: str, side: int) -> dict[str, Any]:
    """A connector, and the language model that reads its tokens and one question; a picture of side × side pixels."""
    cells = side // CELL
    visual = on_grid(torch.randn(1, cells * cells, DIM), cells, cells)
    translator = nn.Sequential(MEASURED_CONNECTORS[name][1](), NormTokens(DIM))
    connector = Connect(translator, Prefix()).eval().requires_grad_(False)
    model = (
        LanguageModel(WordTokenizer(VOCABULARY), DIM, depth=DEPTH, num_heads=HEADS, context=LENGTH)
        .eval()
        .requires_grad_(False)
    )
    words = torch.ones(1, LENGTH, dtype=torch.int64)

    def read() -> Tensor:
        sequence = connector(visual, model.embed(words))
        return model(sequence, packed_mask(sequence.shape[1] - LENGTH, 1, LENGTH))

    with torch.inference_mode():
        tokens = translator(visual).tokens.shape[1]
    return {"connector": name, "side": side, "tokens": tokens, **measure(read)}
