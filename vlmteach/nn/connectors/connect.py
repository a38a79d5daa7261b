"""Connect: a translator for the picture's tokens, then a meeting with the words, as one connector."""

from __future__ import annotations

from torch import Tensor, nn

from vlmteach.nn.tokens import VisualTokens


class Connect(nn.Module):
    """meeting(translator(visual), text).

    translator: VisualTokens -> VisualTokens, for instance nn.Sequential(NormTokens(64), Projector(64, 96)).
    meeting: takes VisualTokens and text, for instance Prefix, CrossAttentionConnector or VectorFusion.
    """

    def __init__(self, translator: nn.Module, meeting: nn.Module) -> None:
        super().__init__()
        self.translator, self.meeting = translator, meeting

    def forward(self, visual: VisualTokens, text: Tensor) -> Tensor:
        """visual: (B, N, D); text: (B, T, dim) -> (B, M + T, dim): M tokens of the picture, or none, then the words."""
        return self.meeting(self.translator(visual), text)
