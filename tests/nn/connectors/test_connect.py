import pytest
import torch
from torch import nn

from vlmteach.nn import AddPositions, Connect, CrossAttentionConnector, Prefix, Projector, VectorFusion, VisualTokens

VISUAL = VisualTokens(torch.randn(2, 5, 8), torch.rand(2, 5, 4), num_prefix_tokens=1)
TEXT = torch.randn(2, 3, 12)
MEETINGS = {
    "prefix": Prefix,
    "cross-attention": lambda: CrossAttentionConnector(12, 12, num_heads=2),
    "vector": lambda: VectorFusion(12, 12, kind="concat"),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_the_picture_is_translated_first_and_then_meets_the_words(name):
    translator, meeting = nn.Sequential(AddPositions(), Projector(8, 12)), MEETINGS[name]()
    connector = Connect(translator, meeting)

    assert torch.equal(connector(VISUAL, TEXT), meeting(translator(VISUAL), TEXT))
    assert set(connector.parameters()) == {*translator.parameters(), *meeting.parameters()}


def test_a_translator_of_another_width_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 5, 6\); expected \(B, N, 12\).*put a Projector in front"):
        Connect(Projector(8, 6), CrossAttentionConnector(12, 12, num_heads=2))(VISUAL, TEXT)
