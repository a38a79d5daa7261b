import torch

from vlmteach.nn import SingleStream, VisualTokens

VISION, DIM = 6, 8


def visual_tokens(count=5):
    return VisualTokens(torch.randn(2, count, VISION), torch.rand(2, count, 4))


def make(depth=2):
    return SingleStream(VISION, DIM, depth=depth, num_heads=2)


def test_without_blocks_a_token_is_itself_plus_its_type():
    stream, visual, text = make(depth=0), visual_tokens(), torch.randn(2, 3, DIM)
    out = stream(visual, text)
    assert torch.allclose(out[:, :5], stream.norm(stream.vision(visual.tokens) + stream.types.weight[0]), atol=1e-5)
    assert torch.allclose(out[:, 5:], stream.norm(text + stream.types.weight[1]), atol=1e-5)


def test_words_hear_of_the_picture_and_the_picture_of_the_words():
    stream, visual, text = make(), visual_tokens(), torch.randn(2, 3, DIM)
    before = stream(visual, text)
    other_text = stream(visual, text + torch.randn_like(text))
    other_picture = stream(VisualTokens(visual.tokens + 1, visual.boxes), text)
    assert not torch.allclose(before[:, :5], other_text[:, :5], atol=1e-4)
    assert not torch.allclose(before[:, 5:], other_picture[:, 5:], atol=1e-4)


def test_the_order_of_the_visual_tokens_changes_nothing_for_the_words():
    stream, visual, text = make(), visual_tokens(), torch.randn(2, 3, DIM)
    mixed = VisualTokens(visual.tokens.flip(1), visual.boxes)
    assert torch.allclose(stream(visual, text)[:, 5:], stream(mixed, text)[:, 5:], atol=1e-5)


def test_only_the_type_tells_an_equal_word_and_cell_apart():
    stream = make()
    with torch.no_grad():
        stream.vision.weight.zero_()
        stream.vision.bias.zero_()
    out = stream(visual_tokens(1), torch.zeros(2, 1, DIM))
    assert not torch.allclose(out[:, 0], out[:, 1], atol=1e-3)
    with torch.no_grad():
        stream.types.weight.zero_()
    out = stream(visual_tokens(1), torch.zeros(2, 1, DIM))
    assert torch.allclose(out[:, 0], out[:, 1], atol=1e-5)
