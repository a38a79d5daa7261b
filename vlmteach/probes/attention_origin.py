"""Does a softmax compare queries with keys? Told by where its scores came from on their way through the network.

Linear attention (arXiv 1812.01243, lambda layers in 2102.08602) takes a softmax of queries or keys alone, over channels
or over tokens, and multiplies keys with values first: in its sums every row is a channel, and no token meets another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

# After a layer with weights, what comes out is tokens again, of whatever it was made.
LAYERS = (F.linear, torch.conv1d, torch.conv2d, torch.conv3d)


class Products:
    """What was made of a product of two tensors, both worked out by the network, since its last layer with weights.

    Scores are such (queries times keys), and so are the sums of linear attention (keys times values). When a softmax
    that compares nothing made the sums, their number is kept too. Learned pooling makes such sums and hands them on;
    linear attention sums over them once more.
    """

    def __init__(self) -> None:
        self._sums = WeakTensorKeyDictionary()  # tensor -> how many sums, 0 of any other product

    def __contains__(self, tensor: Tensor) -> bool:
        return tensor in self._sums

    def sums(self, tensor: Tensor) -> int:
        """How many sums by a softmax that compares nothing this tensor was made of; 0 for anything else."""
        return self._sums.get(tensor, 0)

    def add(self, result: Any, sums: int = 0) -> None:
        """Remember what a product gave."""
        for tensor in tensors_in(result):
            self._sums[tensor] = sums

    def follow(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A product that is scaled, masked or turned is one still."""
        if len(self._sums) == 0 or func in LAYERS:
            return
        made_of = [tensor for tensor in tensors_in((*args, *kwargs.values())) if tensor in self._sums]
        if made_of:
            self.add(result, max(map(self.sums, made_of)))


def is_weight(tensor: Tensor) -> bool:
    """Is it a parameter, or a view of one?"""
    return isinstance(tensor if tensor._base is None else tensor._base, nn.Parameter)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in what a function of torch takes or returns."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)
