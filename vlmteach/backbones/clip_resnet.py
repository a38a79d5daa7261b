"""CLIP's ResNet: a CNN whose grid is pooled by attention. The bridge between the two kinds of encoder."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from vlmteach.backbones.grid_encoder import GridEncoder
from vlmteach.nn.attention import AttentionPool2d


class ClipResNet(GridEncoder):
    """A timm CLIP ResNet: its grid as tokens, as of any CNN, and in `pool` the attention that makes it one vector.

    model: timm's resnet50_clip or one of its sisters. `pool(encoder.grid(image))` is `model(image)`, CLIP's vector
    (B, D) of a picture, for the one size of grid that the pool has positions for: 7 x 7, a picture of 224 x 224.
    The tokens know no such limit.
    Raises TypeError for a network without such a pool.
    """

    pool: AttentionPool2d

    def __init__(self, model: nn.Module) -> None:
        theirs: Any = model
        pool = attention_pool_from_timm(getattr(model, "head", model))
        # without the head, whose code looks at sizes, torch.fx can follow the network to compute receptive fields
        super().__init__(nn.Sequential(OrderedDict(stem=theirs.stem, stages=theirs.stages)), "stages")
        self.pool = pool


def attention_pool_from_timm(pool: nn.Module) -> AttentionPool2d:
    """Copy timm's AttentionPool2d (queries, keys and values by layers of their own) into the course's.

    The last layer may change the width: CLIP's goes from 2048 to 1024.
    Raises TypeError for another module.
    """
    from timm.layers import AttentionPool2d as TimmPool

    theirs: Any = pool
    if (
        not isinstance(pool, TimmPool)
        or theirs.q is None
        or theirs.cls_token is not None
        or theirs.pool_type != "token"
    ):
        raise TypeError(
            f"the pool is a {type(pool).__name__}; expected timm's AttentionPool2d as CLIP's ResNets have it, the head "
            "of timm.create_model('resnet50_clip.openai')."
        )
    height, width = theirs.feat_size
    copy = AttentionPool2d(theirs.in_features, num_heads=theirs.num_heads, height=height, width=width)
    copy.attend.proj = nn.Linear(theirs.embed_dim, theirs.out_features)
    weights = theirs.state_dict()
    copy.load_state_dict({"positions": weights.pop("pos_embed")} | {f"attend.{k}": v for k, v in weights.items()})
    return copy.to(theirs.pos_embed.device, theirs.pos_embed.dtype).train(pool.training)
