"""Frozen encoders: a real, trained CNN and a real, trained ViT, and what connectors behind them can learn."""

from vlmteach.experiments.frozen.encoders import frozen_tokens, load_vlm, look
from vlmteach.experiments.frozen.features import FrozenEncoder
from vlmteach.experiments.frozen.models import ENCODERS
from vlmteach.experiments.frozen.results import FrozenResults, load_behind, load_results

__all__ = [
    "ENCODERS",
    "FrozenEncoder",
    "FrozenResults",
    "frozen_tokens",
    "load_behind",
    "load_results",
    "load_vlm",
    "look",
]
