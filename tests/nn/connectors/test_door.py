"""Every connector refuses the same bad input, with a sentence that says what to do."""

import pytest
import torch

from vlmteach.nn import (
    AddPositions,
    CrossAttentionConnector,
    DropPrefix,
    DualEncoderHead,
    GatedCrossAttention,
    MeanPool,
    PerceiverResampler,
    Projector,
    QFormer,
    SingleStream,
    VectorFusion,
    VisualTokens,
    grid_boxes,
)

NAN = float("nan")
WITH_WIDTH = {
    "projector": lambda: Projector(8, 12),
    "resampler": lambda: PerceiverResampler(8, 2, 1, 2),
    "q-former": lambda: QFormer(8, 8, 12, 2, 1, 2),
}
ANY_WIDTH = {"mean": MeanPool, "drop prefix": DropPrefix, "positions": AddPositions}
WITH_TEXT = {
    "concat": lambda: VectorFusion("concat", 8, 12),
    "cross": lambda: CrossAttentionConnector(8, 12, 2),
    "gated": lambda: GatedCrossAttention(8, 12, 2),
    "single stream": lambda: SingleStream(8, 12, 1, 2),
    "dual": lambda: DualEncoderHead(8, 12, 6),
}


def visual(dim=8, count=3, value=0.0):
    return VisualTokens(torch.full((2, count, dim), value), grid_boxes(2, 1, max(count, 1), torch.zeros(1))[:, :count])


TEXT = torch.zeros(2, 4, 12)
BAD_VISUAL = {
    "a bare tensor": (lambda: torch.zeros(2, 3, 8), TypeError, "expected VisualTokens"),
    "NaN": (lambda: visual(value=NAN), ValueError, "NaN or infinite"),
    "infinity": (lambda: visual(value=float("inf")), ValueError, "NaN or infinite"),
    "no tokens": (lambda: visual(count=0), ValueError, "zero visual tokens|no token besides"),
}
BAD_TEXT = {
    "word numbers": (torch.zeros(2, 4, dtype=torch.long), ValueError, "nn.Embedding"),
    "a list": ([[0.0] * 12], TypeError, "embedded words"),
    "another width": (torch.zeros(2, 4, 8), ValueError, "built for 12"),
    "another batch": (torch.zeros(3, 4, 12), ValueError, "3 texts for 2 pictures"),
    "no words": (torch.zeros(2, 0, 12), ValueError, "zero tokens"),
    "NaN": (torch.full((2, 4, 12), NAN), ValueError, "text tokens hold NaN"),
}


@pytest.mark.parametrize("bad", BAD_VISUAL)
@pytest.mark.parametrize("name", WITH_WIDTH | ANY_WIDTH | WITH_TEXT)
def test_bad_visual_tokens(name, bad):
    given, error, words = BAD_VISUAL[bad]
    connector = (WITH_WIDTH | ANY_WIDTH | WITH_TEXT)[name]()
    with pytest.raises(error, match=words):
        connector(given(), TEXT) if name in WITH_TEXT else connector(given())


@pytest.mark.parametrize("name", WITH_WIDTH | WITH_TEXT)
def test_visual_tokens_of_another_width(name):
    connector = (WITH_WIDTH | WITH_TEXT)[name]()
    with pytest.raises(ValueError, match="are 6 wide; this connector was built for 8"):
        connector(visual(dim=6), TEXT) if name in WITH_TEXT else connector(visual(dim=6))


@pytest.mark.parametrize("bad", BAD_TEXT)
@pytest.mark.parametrize("name", WITH_TEXT)
def test_bad_text(name, bad):
    text, error, words = BAD_TEXT[bad]
    with pytest.raises(error, match=words):
        WITH_TEXT[name]()(visual(), text)


def test_positions_need_a_width_of_four():
    with pytest.raises(ValueError, match="multiple of 4"):
        AddPositions()(visual(dim=6))


@pytest.mark.parametrize(
    "make",
    [
        lambda: CrossAttentionConnector(8, 12, 5),
        lambda: PerceiverResampler(8, 2, 1, 3),
        lambda: SingleStream(8, 12, 1, 5),
    ],
)
def test_heads_that_do_not_divide_the_width(make):
    with pytest.raises(ValueError, match="multiple of the number of heads"):
        make()
