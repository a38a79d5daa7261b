"""Every connector refuses what has the wrong type, shape or width, with a sentence that says what to do."""

import pytest
import torch

from vlmteach.nn import (
    AddPositions,
    AttentionPool,
    ClsPool,
    CrossAttentionConnector,
    DropPrefixTokens,
    DualEncoderHead,
    GatedCrossAttention,
    MeanPool,
    NormTokens,
    PerceiverResampler,
    Prefix,
    Projector,
    QFormer,
    SingleStream,
    SpaceToDepth,
    VectorFusion,
    VisualTokens,
    on_grid,
)

NAN = float("nan")
WITH_WIDTH = {
    "norm": lambda: NormTokens(8),
    "projector": lambda: Projector(8, 12),
    "resampler": lambda: PerceiverResampler(8, latents=2, depth=1, num_heads=2),
    "q-former": lambda: QFormer(8, 8, 12, queries=2, depth=1, num_heads=2),
}
ANY_WIDTH = {
    "mean": MeanPool,
    "cls": ClsPool,
    "drop prefix": DropPrefixTokens,
    "positions": AddPositions,
    "pixel shuffle": lambda: SpaceToDepth(1),
    "attention pool": lambda: AttentionPool(8, num_heads=2, height=1, width=3),
}
WITH_TEXT = {
    "concat": lambda: VectorFusion(8, 12, kind="concat"),
    "cross": lambda: CrossAttentionConnector(8, 12, num_heads=2),
    "gated": lambda: GatedCrossAttention(8, 12, num_heads=2),
    "single stream": lambda: SingleStream(8, 12, depth=1, num_heads=2),
    "dual": lambda: DualEncoderHead(8, 12, 6),
}
TEXT = torch.zeros(2, 4, 12)
PREFIX = {"prefix": Prefix}  # has no width of its own: the visual tokens must be as wide as the text
EVERY = WITH_WIDTH | ANY_WIDTH | WITH_TEXT | PREFIX


def visual(dim=8, count=3, value=0.0):
    return on_grid(torch.full((2, count, dim), value), 1, count)


def call(name, seen, text=TEXT):
    connector = EVERY[name]()
    return connector(seen, text) if name in WITH_TEXT | PREFIX else connector(seen)


@pytest.mark.parametrize("name", EVERY)
def test_a_bare_tensor_is_refused(name):
    with pytest.raises(TypeError, match="a Tensor; expected VisualTokens"):
        call(name, torch.zeros(2, 3, 8))


@pytest.mark.parametrize("name", WITH_WIDTH | WITH_TEXT)
def test_visual_tokens_of_another_width_are_refused(name):
    with pytest.raises(ValueError, match=r"\(2, [13], 6\); expected \(B, [N1], 8\)"):
        call(name, visual(dim=6))


def test_no_tokens_at_all_are_refused_before_they_reach_a_connector():
    with pytest.raises(ValueError, match="no visual tokens"):
        VisualTokens(torch.zeros(2, 0, 8), torch.zeros(2, 0, 4))
    with pytest.raises(ValueError, match="only prefix tokens"):
        DropPrefixTokens()(VisualTokens(torch.zeros(2, 3, 8), torch.zeros(2, 3, 4), num_prefix_tokens=3))


BAD_TEXT = {
    "word numbers": (torch.zeros(2, 4, dtype=torch.long), ValueError, "nn.Embedding"),
    "a list": ([[0.0] * 12], TypeError, "list; expected a torch tensor.*embedded words"),
    "another width": (torch.zeros(2, 4, 8), ValueError, r"\(2, 4, 8\); expected \(2, T, 12\)|Projector"),
    "another batch": (torch.zeros(3, 4, 12), ValueError, r"\(3, 4, 12\); expected \(2, T.*One text .*for each picture"),
    "no words": (torch.zeros(2, 0, 12), ValueError, r"\(2, 0, 12\).*at least one of each"),
}


@pytest.mark.parametrize("bad", BAD_TEXT)
@pytest.mark.parametrize("name", WITH_TEXT | PREFIX)
def test_bad_text_is_refused(name, bad):
    text, error, words = BAD_TEXT[bad]
    with pytest.raises(error, match=words):
        call(name, visual(dim=12 if name in PREFIX else 8), text)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "cls"])
def test_a_nan_reaches_what_comes_out(name):
    """No connector looks at values. The training loop does, at the loss, and so a NaN must get there."""
    out = call(name, visual(12 if name in PREFIX else 8, value=NAN))
    parts = out if isinstance(out, tuple) else [getattr(out, "tokens", out)]
    assert any(part.isnan().any() for part in parts)


def test_positions_need_a_width_of_four():
    with pytest.raises(ValueError, match="multiple of 4"):
        AddPositions()(visual(dim=6))


@pytest.mark.parametrize(
    "make",
    [
        lambda: CrossAttentionConnector(8, 12, num_heads=5),
        lambda: PerceiverResampler(8, latents=2, depth=1, num_heads=3),
        lambda: SingleStream(8, 12, depth=1, num_heads=5),
    ],
)
def test_heads_that_do_not_divide_the_width(make):
    with pytest.raises(ValueError, match=r"cannot be split into [35] heads; expected a multiple of [35]"):
        make()
