"""Prefix: picture tokens stand in front of the words, and the language model reads one sequence.

Nothing is added to the language model. Two things have to be decided: who may look at whom (the mask), and that no
picture token has to be predicted (the targets).
Sources: Frozen (2106.13884), LLaVA (2304.08485); PaliGemma (2407.07726),
google-research/big_vision:big_vision/models/proj/paligemma/paligemma.py make_attn_mask.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_meeting, check_positive, check_shape, check_visual
from vlmteach.nn.tokens import VisualTokens

IGNORE = -100  # the target that torch's cross-entropy skips


class Prefix(nn.Module):
    """The language model reads the picture's tokens, then the words: nothing is learned here.

    The visual tokens must already be as wide as the language model; a Projector in front does that.
    """

    def forward(self, visual: VisualTokens, text: Tensor) -> Tensor:
        """visual: (B, N, D); text: (B, T, D) -> (B, N + T, D)."""
        check_meeting(visual, None, text, "D")
        check_visual(visual, text.shape[-1])
        return torch.cat([visual.tokens, text], dim=1)


def causal_mask(length: int) -> Tensor:
    """Each token may look at itself and at what came before: LLaVA's choice, picture tokens included.

    Returns (length, length), bool, True = may attend; row = who looks, column = what is looked at.
    """
    check_positive(length=length)
    return torch.ones(length, length, dtype=torch.bool).tril()


def prefix_lm_mask(in_front: int, length: int) -> Tensor:
    """The tokens in front all see each other; the rest is causal: PaliGemma's choice.

    in_front: picture and question tokens together; length: with the answer. Returns (length, length), bool,
    True = may attend. Answer tokens still cannot look ahead, so the answer cannot be copied from itself.
    """
    if not 0 <= in_front <= length:
        raise ValueError(f"the prefix is {in_front} tokens long; expected 0 to the length, {length}.")
    mask = causal_mask(length)
    mask[:, :in_front] = True
    return mask


def prefix_targets(targets: Tensor, in_front: int) -> Tensor:
    """No loss at picture tokens: the tokens in front get the target -100, which cross_entropy skips.

    targets: (B, T) word numbers. Returns (B, in_front + T). Raises TypeError for targets that are not whole numbers.
    """
    check_shape("targets", targets, "B", "T")
    if targets.is_floating_point():
        raise TypeError(f"targets holds {targets.dtype}; expected word numbers, an integer dtype (B, T).")
    return torch.cat([targets.new_full((targets.shape[0], in_front), IGNORE), targets], dim=1)
