"""Attention in a window, in the cliff's game: is it attention that reaches everywhere, or attention without a mask?"""

from vlmteach.experiments.windows.encoders import WINDOWED_ENCODERS, MaskedViT, WindowedEncoder, build_windowed
from vlmteach.experiments.windows.results import DISTANCE, WindowResults, load_results

__all__ = [
    "DISTANCE",
    "WINDOWED_ENCODERS",
    "MaskedViT",
    "WindowResults",
    "WindowedEncoder",
    "build_windowed",
    "load_results",
]
