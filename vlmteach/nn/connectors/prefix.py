"""Prefix: picture tokens stand in front of the words, and the language model reads one sequence.

Nothing is added to the language model. What has to be decided is who may look at whom (the mask), and that nobody is
asked to predict a picture token (the targets).
Sources: Frozen (2106.13884), LLaVA (2304.08485); PaliGemma (2407.07726),
google-research/big_vision:big_vision/models/proj/paligemma/paligemma.py make_attn_mask.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.connectors.door import check_text, check_visual
from vlmteach.nn.tokens import VisualTokens

IGNORE = -100  # the target that torch's cross-entropy skips


def join_prefix(visual: VisualTokens, text: Tensor, context: int) -> Tensor:
    """Put the picture's tokens in front of the text's.

    visual: (B, N, D), already as wide as the language model (a Projector does that); text: (B, T, D);
    context: how many tokens the language model can read. Returns (B, N + T, D).
    Raises ValueError when widths differ or N + T exceeds the context.
    """
    check_text(text, text.shape[-1], len(text))
    check_visual(visual, text.shape[-1])
    check_text(text, text.shape[-1], len(visual.tokens))
    count, words = visual.tokens.shape[1], text.shape[1]
    if count + words > context:
        raise ValueError(
            f"{count} visual tokens and {words} text tokens are {count + words}; the language model reads at most "
            f"{context}. Use fewer visual tokens (SpaceToDepth, PerceiverResampler) or a shorter text."
        )
    return torch.cat([visual.tokens, text], dim=1)


class Prefix(nn.Module):
    """join_prefix as a connector: the language model reads the picture's tokens, then the words.

    context: how many tokens the language model can read.
    """

    def __init__(self, context: int) -> None:
        super().__init__()
        self.context = context

    def forward(self, visual: VisualTokens, text: Tensor) -> Tensor:
        """visual: (B, N, D); text: (B, T, D) -> (B, N + T, D)."""
        return join_prefix(visual, text, self.context)


def causal_mask(length: int) -> Tensor:
    """Each token may look at itself and at what came before: LLaVA's choice, picture tokens included.

    Returns (length, length), bool, True = may attend; row = who looks, column = what is looked at.
    """
    if length < 1:
        raise ValueError(f"length is {length}; expected one token or more.")
    return torch.ones(length, length, dtype=torch.bool).tril()


def prefix_lm_mask(prefix: int, length: int) -> Tensor:
    """The first `prefix` tokens all see each other; the rest is causal: PaliGemma's choice.

    prefix: picture and question tokens together; length: with the answer. Returns (length, length), bool,
    True = may attend. Answer tokens still cannot look ahead, so the answer cannot be copied from itself.
    """
    if not 0 <= prefix <= length:
        raise ValueError(f"prefix is {prefix}; expected a number of tokens from 0 to the length, {length}.")
    mask = causal_mask(length)
    mask[:, :prefix] = True
    return mask


def prefix_targets(targets: Tensor, count: int) -> Tensor:
    """Put `count` ignored targets in front: no loss is taken where a picture token stands.

    targets: (B, T) word numbers. Returns (B, count + T); -100 is what cross_entropy skips.
    Raises TypeError for targets that are not whole numbers.
    """
    if targets.is_floating_point():
        raise TypeError(f"targets holds {targets.dtype}; expected word numbers, an integer dtype (B, T).")
    if targets.ndim != 2:
        raise ValueError(f"targets has shape {tuple(targets.shape)}; expected (B, T).")
    return torch.cat([targets.new_full((targets.shape[0], count), IGNORE), targets], dim=1)
