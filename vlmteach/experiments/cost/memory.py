"""How much memory the tensors of a computation hold at once: counted, so the same on every machine."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class PeakMemory(TorchDispatchMode):
    """Inside, every new tensor's bytes are counted until it is freed. `peak`: the most at one time, in bytes.

    What an operation allocates and frees within itself is not seen, nor what was there before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._users: dict[int, int] = {}  # how many living tensors share each storage

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        before = {leaf.untyped_storage().data_ptr() for leaf in tree_leaves((args, kwargs)) if _is_tensor(leaf)}
        for tensor in filter(_is_tensor, tree_leaves(result)):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in before or storage.data_ptr() in self._users:
                self._hold(tensor, storage.data_ptr(), storage.nbytes())
        self.peak = max(self.peak, self._now)
        return result

    def _hold(self, tensor: torch.Tensor, storage: int, size: int) -> None:
        if storage not in self._users:
            self._users[storage] = 0
            self._now += size
        self._users[storage] += 1
        weakref.finalize(tensor, self._release, storage, size)

    def _release(self, storage: int, size: int) -> None:
        self._users[storage] -= 1
        if not self._users[storage]:
            del self._users[storage]
            self._now -= size


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)
