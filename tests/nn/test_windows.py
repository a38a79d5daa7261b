import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from timm.models.swin_transformer import SwinTransformerBlock

from vlmteach.nn import TransformerBlock, neighbour_mask, reach_of, window_mask
from vlmteach.nn.positions import grid_coordinates


def partners(mask, token):
    return mask[token].nonzero().flatten().tolist()


@pytest.mark.parametrize(
    ("token", "shift", "sees"),
    [
        (0, 0, [0, 1, 4, 5]),
        (6, 0, [2, 3, 6, 7]),
        (0, 1, [0]),  # cut off by the border: one cell is left of this window
        (1, 1, [1, 2]),
        (6, 1, [5, 6, 9, 10]),
    ],
)
def test_windows_of_two_on_a_grid_of_four(token, shift, sees):
    assert partners(window_mask(4, 4, 2, shift), token) == sees


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_masked_block_equals_swins_on_the_same_weights(shift):
    torch.manual_seed(0)
    theirs = SwinTransformerBlock(24, (8, 12), num_heads=3, window_size=4, shift_size=shift).double().eval()
    for weight in theirs.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    torch.nn.init.zeros_(theirs.attn.relative_position_bias_table)  # which ours has not
    ours = TransformerBlock(24, num_heads=3).double().eval()
    missing = ours.load_state_dict(theirs.state_dict(), strict=False).missing_keys
    ours.norm1.eps, ours.norm2.eps = theirs.norm1.eps, theirs.norm2.eps
    tokens = torch.randn(2, 8 * 12, 24, dtype=torch.float64)
    swin = theirs(tokens.unflatten(1, (8, 12))).flatten(1, 2)

    assert missing == []
    torch.testing.assert_close(ours(tokens, window_mask(8, 12, 4, shift)), swin)


@pytest.mark.parametrize("shift", [-1, 1, 3])
def test_windows_that_are_moved_by_a_whole_window_more_are_the_same_windows(shift):
    assert torch.equal(window_mask(8, 12, 4, shift), window_mask(8, 12, 4, shift + 4))


@given(side=st.integers(1, 4), rows=st.integers(1, 3), columns=st.integers(1, 3), data=st.data())
def test_windows_are_groups_none_larger_than_a_window_and_as_wide_as_it_where_no_border_cuts(side, rows, columns, data):
    shift = data.draw(st.integers(0, side - 1))
    mask = window_mask(side * rows, side * columns, side, shift)
    y, x = grid_coordinates(side * rows, side * columns)

    assert torch.equal(mask, mask.T)
    assert mask.diagonal().all()
    assert torch.equal(mask, (mask.float() @ mask.float()) > 0)  # a window's tokens all see one another
    assert (y[:, None] - y).abs()[mask].max() < side
    assert (x[:, None] - x).abs()[mask].max() < side
    assert len(mask.unique(dim=0)) == (rows + (shift > 0)) * (columns + (shift > 0))


@given(height=st.integers(1, 6), width=st.integers(1, 6), reach=st.integers(1, 3))
def test_neighbours_are_what_a_convolution_sees(height, width, reach):
    one_by_one = torch.eye(height * width).unflatten(1, (1, height, width))
    kernel = torch.ones(1, 1, 2 * reach + 1, 2 * reach + 1)
    seen = F.conv2d(one_by_one, kernel, padding=reach).flatten(1) > 0

    assert torch.equal(neighbour_mask(height, width, reach), seen)


@pytest.mark.parametrize("last", ["shifted", "neighbours"])
def test_what_a_token_has_heard_of_is_what_its_gradient_reaches(last):
    torch.manual_seed(0)
    second = window_mask(4, 6, 2, 1) if last == "shifted" else neighbour_mask(4, 6, 1)
    masks = [window_mask(4, 6, 2), second]
    blocks = [TransformerBlock(8, num_heads=2).double() for _ in masks]

    def through(tokens):
        for block, mask in zip(blocks, masks, strict=True):
            tokens = block(tokens, mask)
        return tokens[0].sum(dim=1)

    gradient = torch.autograd.functional.jacobian(through, torch.randn(1, 24, 8, dtype=torch.float64))
    assert torch.equal(gradient[:, 0].abs().sum(dim=-1) > 0, reach_of(masks))


def test_the_order_of_blocks_counts():
    near, far = window_mask(1, 4, 1), torch.tensor([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]]).bool()
    pairs = window_mask(2, 2, 1, 0) | torch.tensor([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]).bool()

    assert torch.equal(reach_of([near, far]), far)
    assert reach_of([pairs, far])[1].tolist() == [False, True, True, True]
    assert reach_of([far, pairs])[1].tolist() == [False, True, True, False]


def test_a_token_that_may_not_attend_to_itself_still_holds_itself():
    swap = torch.tensor([[False, True], [True, False]])

    assert reach_of([swap]).all()
    assert reach_of([torch.zeros(2, 2, dtype=torch.bool)]).tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: window_mask(8, 8, 3), "3 does not divide 8 x 8"),
        (lambda: window_mask(8, 8, 0), "window is 0; expected 1 or more"),
        (lambda: neighbour_mask(8, 8, 0), "reach is 0; expected 1 or more"),
        (lambda: reach_of([]), "masks is 0; expected 1 or more"),
    ],
)
def test_what_makes_no_mask_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
