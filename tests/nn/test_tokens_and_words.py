"""What public implementations got wrong about grids that are no square, padded words and pictures that come later."""

import pytest
import torch

from vlmteach.nn import (
    GatedCrossAttention,
    SpaceToDepth,
    attention,
    grid_to_tokens,
    on_grid,
    prefix_lm_mask,
    resample_positions,
)


def test_a_shuffled_grid_that_is_no_square_joins_neighbours():
    # NVIDIA/Megatron-LM#6255: 448 x 576 pixels in patches of 16; flattening first joins cells 4, 5, 6, 7
    numbers = grid_to_tokens(torch.arange(28 * 36.0).reshape(1, 1, 28, 36))
    shuffled = SpaceToDepth(2)(on_grid(numbers, 28, 36))
    assert shuffled.tokens.shape == (1, 252, 4)
    assert shuffled.tokens[0, 1].tolist() == [2, 3, 38, 39]
    assert shuffled.tokens[0, 18].tolist() == [72, 73, 108, 109]
    assert shuffled.boxes[0, 18].tolist() == pytest.approx([1 / 14, 0, 2 / 14, 1 / 18])


def test_smolvlms_512_pixels_become_64_tokens():
    # ggml-org/llama.cpp#13381
    assert SpaceToDepth(4)(on_grid(torch.zeros(1, 1024, 8), 32, 32)).tokens.shape == (1, 64, 128)


def test_padded_words_are_hidden_also_from_a_prefix():
    # huggingface/transformers#35855: in a prefix all see all, and padding was among them
    keep = torch.tensor([[True] * 8, [False] * 2 + [True] * 6])  # the second text is padded on the left
    mask = prefix_lm_mask(6, 8)[None, None] & keep[:, None, None, :]
    query = torch.randn(2, 2, 8, 4, generator=torch.Generator().manual_seed(0))
    output, weights = attention(query, query, query, mask)
    assert not output.isnan().any()
    assert not weights[1, :, :, :2].any()
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 2, 8))
    assert not weights[0, :, 6, 7].any()  # a word after the prefix does not see the next
    assert weights[0, :, 0, 5].all()  # within the prefix all see all


def test_words_before_the_first_picture_hear_nothing_of_it():
    # huggingface/transformers#26839: a softmax over nothing but -inf, or over equal -1e9, gives the picture's mean
    torch.manual_seed(0)
    layer = GatedCrossAttention(8, 16, num_heads=2)
    layer.gate.data.fill_(1.0)  # open; its biases are not zero
    visual, text = on_grid(torch.randn(2, 5, 8), 1, 5), torch.randn(2, 6, 16)
    mask = torch.ones(2, 1, 6, 5, dtype=torch.bool)
    mask[0, :, :2] = False  # picture 0 comes after its second word
    heard = (layer(visual, text, mask) - text).abs().amax(dim=-1)
    assert not heard[0, :2].any()
    assert (heard[0, 2:] > 0.01).all()
    assert (heard[1] > 0.01).all()


@pytest.mark.parametrize("side", [39, 43, 78, 86, 115, 123])
def test_a_stretched_table_loses_no_row(side):
    # facebookresearch/dinov2#333: 546, 602, 1092, 1204, 1610 and 1722 pixels, in patches of 14
    table = torch.randn(1, 1 + 37 * 37, 8, generator=torch.Generator().manual_seed(0))
    assert resample_positions(table, (37, 37), (side, side), num_prefix_tokens=1).shape == (1, 1 + side * side, 8)
