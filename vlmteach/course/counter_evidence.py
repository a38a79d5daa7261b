"""What others measured that speaks for and against "the ViT is simply better": published numbers with their caveats.

Read in open_clip's tables; the facts stand in counter_evidence.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from vlmteach.language import _


@dataclass(frozen=True)
class Published:
    """One image tower. family: "cnn" or "vit". data: what it was trained on. side: of its pictures, in pixels.

    gflops: operations of the image tower for one picture, in 10⁹. accuracy: zero-shot on ImageNet, in percent.
    soup: whether its weights are the average of several trained networks.
    """

    model: str
    family: str
    data: str
    side: int
    gflops: float
    accuracy: float
    soup: bool


@cache
def _file() -> dict[str, Any]:
    return json.loads((resources.files("vlmteach.course") / "counter_evidence.json").read_text(encoding="utf-8"))


def load_published() -> tuple[Published, ...]:
    """The published rows, in the table's order."""
    return tuple(Published(**entry) for entry in _file()["entries"])


def caveats() -> tuple[str, ...]:
    """What these numbers do not say."""
    return tuple(_(caveat) for caveat in _file()["caveats"])


def source_of_prices() -> str:
    """Where they can be checked."""
    return _file()["source"]
