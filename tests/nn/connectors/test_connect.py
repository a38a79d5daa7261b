import pytest
import torch
from torch import nn

from vlmteach.nn import AddPositions, Connect, CrossAttentionConnector, Prefix, Projector, VectorFusion, VisualTokens

VISUAL = VisualTokens(torch.randn(2, 5, 8), torch.rand(2, 5, 4), prefix=1)
TEXT = torch.randn(2, 3, 12)
MEETINGS = {
    "prefix": lambda: Prefix(8),
    "cross-attention": lambda: CrossAttentionConnector(12, 12, 2),
    "vector": lambda: VectorFusion("concat", 12, 12),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_the_picture_is_translated_first_and_then_meets_the_words(name):
    translator, meeting = nn.Sequential(AddPositions(), Projector(8, 12)), MEETINGS[name]()
    connector = Connect(translator, meeting)

    assert torch.equal(connector(VISUAL, TEXT), meeting(translator(VISUAL), TEXT))
    assert set(connector.parameters()) == {*translator.parameters(), *meeting.parameters()}


def test_a_translator_of_another_width_is_refused():
    with pytest.raises(ValueError, match="the visual tokens are 6 wide; this connector was built for 12"):
        Connect(Projector(8, 6), CrossAttentionConnector(12, 12, 2))(VISUAL, TEXT)
