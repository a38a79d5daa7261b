"""The windows in which an encoder's layers attend, as its own library cuts them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def window_of_tokens(visual: Any, grid: Tensor) -> Tensor:
    """In which window each visual token lies: (N,), counted from 0.

    visual: Qwen2.5-VL's image encoder. grid: (1, 3), the picture in patches: times, rows, columns.
    """
    order, ends = _cut(visual, grid)
    per_token = visual.config.spatial_merge_size**2
    ends = torch.as_tensor(ends).unique_consecutive() // per_token
    windows = torch.repeat_interleave(torch.arange(len(ends) - 1), ends.diff())
    return windows[torch.as_tensor(order).argsort()]


def _cut(visual: Any, grid: Tensor) -> tuple[Any, Any]:
    """The tokens' order window by window, and where in it each window ends, in patches."""
    if hasattr(visual, "get_window_index"):  # until 5.12
        return visual.get_window_index(grid)
    from transformers.vision_utils import get_vision_window_index

    settings = visual.config
    return get_vision_window_index(grid, settings.spatial_merge_size, settings.window_size, settings.patch_size)
