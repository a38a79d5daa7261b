"""The explorer as a page: how large is it, and how long does it take to write, beside bertviz's views?

    python -m benchmarks explorer_page

Both are given the same attention of the same layers: of the course's own ViT, and of four layers of a ViT-S. PatchView
also holds the mean of the heads, the rollout, and what changes when squares are hidden, but bytes in place of floats;
what measuring takes is a row of its own. bertviz writes every float as text, and its page fetches d3 and jQuery from
the network when it is opened. The bounds we keep: 1,000,000 bytes for the course's ViT, 3,000,000 for the ViT-S.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import timm
import torch
from torch import Tensor, nn

from benchmarks._rows import Bound, Row, Tool, load, timed_rows
from vlmteach.nn import VisionTransformer
from vlmteach.probes import PatchViewData, attention_maps, measure_patchview
from vlmteach.views import PatchView

ROUNDS = 5
PAGE, MEASURED = "vlmteach PatchView", "vlmteach measure_patchview + PatchView"
VIEWS = ("head_view", "model_view")


class Case(NamedTuple):
    """An encoder, the picture (3, side, side) that it looks at, the layers that are shown, and the bytes we promise."""

    title: str
    encoder: nn.Module
    side: int
    layers: tuple[int, ...]
    most_bytes: int

    def measure(self) -> PatchViewData:
        """Everything PatchView shows of it."""
        return measure_patchview(None, self.encoder, self.picture(), vit_layers=self.layers)

    def attention(self) -> list[Tensor]:
        """The weights (1, heads, N, N) of the layers that are shown."""
        maps = attention_maps(self.encoder, self.picture()[None])
        return [maps.weights[layer] for layer in self.layers]

    def picture(self) -> Tensor:
        """Noise, the same for every tool."""
        return torch.rand(3, self.side, self.side, generator=torch.Generator().manual_seed(0))


def cases() -> tuple[Case, ...]:
    """Random weights: they make no page smaller than trained ones do."""
    torch.manual_seed(0)
    own = VisionTransformer(64, 8, 48, depth=4, num_heads=4).eval()
    small = timm.create_model("vit_small_patch16_224").eval()
    return (
        Case("the course's ViT, 4 layers, 64 px", own, 64, (0, 1, 2, 3), 1_000_000),
        Case("vit_small, 4 layers, 224 px", small, 224, (2, 5, 8, 11), 3_000_000),
    )


def written_by(bertviz: ModuleType, view: str, attention: list[Tensor]) -> Callable[[], str]:
    """One of bertviz's pages, as a call that returns its HTML."""
    tokens = [str(number) for number in range(attention[0].shape[-1])]
    make = getattr(bertviz, view)
    return lambda: make(attention, tokens, html_action="return").data


def pages(case: Case, data: PatchViewData) -> dict[str, Callable[[], str] | str]:
    """Each tool as a call that returns the page, or the sentence it refuses with."""
    bertviz, attention = load("bertviz", "bertviz"), case.attention()
    found: dict[str, Callable[[], str] | str] = {PAGE: lambda: PatchView(data).to_html()}
    for view in VIEWS:
        found[f"bertviz {view}"] = bertviz if isinstance(bertviz, str) else written_by(bertviz, view, attention)
    return found


def rows_of_bytes(case: Case, made: dict[str, Callable[[], str] | str]) -> list[Row]:
    """The bytes of each page; PatchView's are the yardstick."""
    job = f"explorer's bytes, {case.title}"
    sizes = {name: len(call().encode()) for name, call in made.items() if not isinstance(call, str)}
    rows = []
    for name, call in made.items():
        bound = Bound(case.most_bytes, of="amount") if name == PAGE else None
        if isinstance(call, str):
            rows.append(Row(job, name, None, None, "bytes", call))
            continue
        note = "works offline" if name == PAGE else "fetches d3 and jQuery when opened"
        rows.append(Row(job, name, sizes[name] / sizes[PAGE], sizes[name], "bytes", note, bound))
    return rows


def run() -> list[Row]:
    """Count and time both encoders' pages; writing PatchView has ratio 1."""
    rows = []
    for case in cases():
        made = pages(case, case.measure())
        tools: dict[str, Tool | str] = {
            name: call if isinstance(call, str) else (call, "of tensors that are there") for name, call in made.items()
        }
        tools[MEASURED] = (
            lambda case=case: PatchView(case.measure()).to_html(),
            "runs the encoder too, also with squares hidden",
        )
        rows += rows_of_bytes(case, made)
        rows += timed_rows(f"writing the explorer, {case.title}", tools, ROUNDS, PAGE)
    return rows
