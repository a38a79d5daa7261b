"""Frozen eyes: a real, trained CNN and a real, trained ViT, and what connectors behind them can learn."""

from vlmteach.experiments.frozen.eyes import frozen_tokens, load_vlm, look
from vlmteach.experiments.frozen.features import Eye
from vlmteach.experiments.frozen.models import EYES
from vlmteach.experiments.frozen.results import FrozenResults, load_behind, load_results

__all__ = ["EYES", "Eye", "FrozenResults", "frozen_tokens", "load_behind", "load_results", "load_vlm", "look"]
