"""Cross-attention: the words ask, the picture answers, and the sequence of words keeps its length.

No causal mask over the picture: all of it is there before the first word. Where the picture enters a language model
that was trained without it, a gate that starts closed keeps the model as it was.
Sources: VirTex (2006.06666) for a caption decoder that reads a CNN's grid; Flamingo (2204.14198v2), section 2.2
and figure 4, for the gate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.attention import CrossAttention
from vlmteach.nn.checks import check_meeting
from vlmteach.nn.tokens import VisualTokens
from vlmteach.nn.transformer import Mlp


class CrossAttentionConnector(nn.Module):
    """text + XA(LN text, picture): every word takes what it needs from all visual tokens.

    vision_dim: width of the visual tokens; dim: width of the text tokens, and of the result.
    """

    def __init__(self, vision_dim: int, dim: int, *, num_heads: int) -> None:
        super().__init__()
        self.vision_dim, self.dim = vision_dim, dim
        self.norm = nn.LayerNorm(dim)
        self.attend = CrossAttention(dim, vision_dim, num_heads=num_heads)

    def forward(self, visual: VisualTokens, text: Tensor, mask: Tensor | None = None) -> Tensor:
        """visual: (B, N, vision_dim); text: (B, T, dim) -> (B, T, dim).

        mask: which word may look at which visual token, True = may attend, (T, N) or (B, 1, T, N).
        A word that may look at nothing stays unchanged.
        """
        check_meeting(visual, self.vision_dim, text, self.dim)
        return text + read_picture(self.attend, self.norm(text), visual, mask)


class GatedCrossAttention(nn.Module):
    """Flamingo's layer: x += tanh(α) XA(LN x, picture), then x += tanh(β) MLP(LN x), both gates closed at the start.

    With α = β = 0 the text passes unchanged, so a frozen language model behaves as before. At that moment only the
    two gates get a gradient; everything behind them waits until a gate has moved. Do not also start an output
    projection at zero: then the gates get no gradient either, and the layer stays closed for ever.
    """

    def __init__(self, vision_dim: int, dim: int, *, num_heads: int, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        self.vision_dim, self.dim = vision_dim, dim
        self.norm = nn.LayerNorm(dim)
        self.attend = CrossAttention(dim, vision_dim, num_heads=num_heads)
        self.gate = nn.Parameter(torch.zeros(()))
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, mlp_ratio)
        self.mlp_gate = nn.Parameter(torch.zeros(()))

    def forward(self, visual: VisualTokens, text: Tensor, mask: Tensor | None = None) -> Tensor:
        """visual: (B, N, vision_dim); text: (B, T, dim) -> (B, T, dim); mask as in CrossAttentionConnector."""
        check_meeting(visual, self.vision_dim, text, self.dim)
        text = text + self.gate.tanh() * read_picture(self.attend, self.norm(text), visual, mask)
        return text + self.mlp_gate.tanh() * self.mlp(self.mlp_norm(text))


def read_picture(attend: CrossAttention, text: Tensor, visual: VisualTokens, mask: Tensor | None) -> Tensor:
    """Cross-attention that gives exactly zero, bias included, to a word that may look at nothing."""
    seen = attend(text, visual.tokens, mask)
    if mask is None:
        return seen
    may_look = mask.any(dim=-1, keepdim=True)  # (T, 1) or (B, heads or 1, T, 1)
    if may_look.ndim == 4:
        may_look = may_look.any(dim=1)
    return seen.masked_fill(~may_look, 0.0)
