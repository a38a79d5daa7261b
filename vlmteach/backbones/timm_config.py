"""What timm states about the trained weights of its networks."""

from __future__ import annotations

from typing import Any


def timm_config(network: str) -> Any:
    """The facts about a network's weights, by its name with their tag, such as "resnet50.tv_in1k".

    The fields read here: hf_hub_id (repository), license, mean, std, interpolation, crop_pct.
    """
    from timm.models import get_pretrained_cfg

    return get_pretrained_cfg(network, allow_unregistered=False)
