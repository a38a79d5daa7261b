"""What all loaders of networks share: the two kinds of weights, and the error when real ones cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import init
from torch.overrides import TorchFunctionMode

Weights = Literal["untrained", "pretrained"]
Branches = Literal["open", "own"]
CLOSED = 0.01  # a scale that starts below it closes its branch


class WeightsMissing(RuntimeError):
    """Pretrained weights were asked for and cannot be had; the sentence says which, how large, and what to do."""


def is_pretrained(weights: Weights) -> bool:
    """Is it "pretrained"? Raises ValueError when it is neither that nor "untrained"."""
    if weights not in ("untrained", "pretrained"):
        raise ValueError(f'weights is {weights!r}; expected "untrained" or "pretrained".')
    return weights == "pretrained"


@contextmanager
def drawn_from(seed: int, replaced: bool = False) -> Iterator[None]:
    """Inside it, weights are drawn from the seed; the global generator is left as it was.

    replaced: trained weights replace them at once, so they are Undrawn.
    """
    with torch.random.fork_rng(devices=[]), Undrawn() if replaced else nullcontext():
        torch.manual_seed(seed)
        yield


class Undrawn(TorchFunctionMode):
    """Inside it, weights that would be drawn at random are NaN, which takes a fraction of the time.

    For networks whose weights are replaced at once by trained ones. Buffers and constants are as ever, and a weight
    that nothing replaced cannot be overlooked.
    """

    DRAWS = frozenset(
        {init.kaiming_uniform_, init.normal_, init.uniform_, Tensor.erfinv_, Tensor.normal_, Tensor.uniform_}
    )

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in self.DRAWS:
            return func(*args, **kwargs)
        tensor: Tensor = args[0] if args else kwargs["tensor"]
        if not tensor.is_meta:
            tensor.detach().fill_(torch.nan)
        return tensor


def open_branches(model: nn.Module) -> None:
    """Let every residual branch of a network count from the start.

    For a calm start of training, many networks begin with closed branches and are their shortcuts only: timm's ResNets
    with a weight of 0 in the last norm of each branch, ConvNeXt with a layer scale of 1e-6, DINOv2 with one of 1e-5.
    What an untrained one computes is then not what its architecture can. Each such scale becomes 1 here: one number a
    channel, or a single one, all alike and almost 0, that is no bias.
    Sources: 1706.02677, section 5.1, for the norm; 2103.17239 for the layer scale.
    """
    with torch.no_grad():
        for name, scale in model.named_parameters():
            one_a_channel = scale.ndim == 0 or len(scale) == scale.numel() > 0
            if not one_a_channel or "bias" in name.rpartition(".")[2]:
                continue
            if scale.abs().max() < CLOSED and bool((scale == scale.flatten()[0]).all()):
                scale.fill_(1.0)


def keeps_own_branches(branches: Branches, pretrained: bool) -> bool:
    """Is it "own"? Raises ValueError when it is neither that nor "open", and for weights that were trained."""
    if branches not in ("open", "own"):
        raise ValueError(f'branches is {branches!r}; expected "open" or "own".')
    if branches == "own" and pretrained:
        raise ValueError('branches="own" is how untrained weights start; pretrained ones have left that behind.')
    return branches == "own"
