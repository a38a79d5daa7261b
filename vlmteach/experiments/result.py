"""What a run of an experiment hands back."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor


class Result(NamedTuple):
    """run: what goes into the record, as JSON values. weights: the trained model's, none where nobody needs them."""

    run: dict[str, Any]
    weights: dict[str, Tensor]
