import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmteach.nn.positions import (
    LearnedPositions,
    Rope2d,
    SinCosPositions,
    box_positions,
    grid_coordinates,
    resample_positions,
    sincos_positions,
)
from vlmteach.nn.tokens import grid_boxes

SIZES = [(1, 1), (7, 7), (14, 14), (3, 8)]


def random_table(rows, dim=8, dtype=torch.float32):
    return torch.randn(1, rows, dim, generator=torch.Generator().manual_seed(0)).to(dtype)


def test_coordinates_are_read_row_by_row():
    rows, columns = grid_coordinates(2, 3)
    assert rows.tolist() == [0, 0, 0, 1, 1, 1]
    assert columns.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dim", [4, 64])
def test_sines_and_cosines_equal_timms(size, dim):
    from timm.layers import build_sincos2d_pos_embed

    torch.testing.assert_close(sincos_positions(*size, dim), build_sincos2d_pos_embed(size, dim), rtol=0, atol=1e-5)


def mae_positions(height, width, dim):
    """As MAE describes it: half of the channels for x, half for y, each a block of sines and a block of cosines."""
    halves = []
    for place in (np.tile(np.arange(width), height), np.repeat(np.arange(height), width)):
        angles = np.outer(place, 10000.0 ** -(np.arange(dim // 4) / (dim / 4)))
        halves += [np.sin(angles), np.cos(angles)]
    return torch.from_numpy(np.concatenate(halves, axis=1))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_maes_order_of_channels_is_a_fixed_permutation_of_ours(size):
    dim = 16
    sin_y, sin_x, cos_y, cos_x = torch.arange(dim).chunk(4)
    ours = sincos_positions(*size, dim)
    theirs = mae_positions(*size, dim).float()
    torch.testing.assert_close(ours[:, torch.cat([sin_x, cos_x, sin_y, cos_y])], theirs, rtol=0, atol=1e-5)
    if size != (1, 1):
        assert (ours - theirs).abs().max() > 0.1


def test_every_place_has_a_position_of_its_own():
    for positions in (sincos_positions(8, 8, 16), LearnedPositions(8, 8, 16).table[0].detach()):
        distances = torch.cdist(positions, positions) + 10 * torch.eye(64)
        assert distances.min() > 0.01


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_positions_of_boxes_equal_those_of_the_grid_they_tile(size):
    boxes = grid_boxes(2, *size, like=torch.zeros(1))
    ours = box_positions(boxes, 16, *size)
    torch.testing.assert_close(ours, sincos_positions(*size, 16).expand(2, -1, -1), rtol=0, atol=1e-5)


def test_a_box_is_measured_on_a_16_x_16_grid_unless_told_otherwise():
    boxes = grid_boxes(1, 16, 16, like=torch.zeros(1))
    torch.testing.assert_close(box_positions(boxes, 16)[0], sincos_positions(16, 16, 16), rtol=0, atol=1e-5)


def test_only_the_centre_of_a_box_counts_and_rows_are_not_columns():
    small, large = torch.tensor([0.4, 0.1, 0.6, 0.3]), torch.tensor([0.2, 0.0, 0.8, 0.4])
    torch.testing.assert_close(box_positions(small, 8), box_positions(large, 8))
    assert (box_positions(small, 8) - box_positions(small[[1, 0, 3, 2]], 8)).abs().max() > 0.1


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_positions_of_boxes_keep_their_dtype_and_are_computed_in_float32_or_better(dtype):
    boxes = torch.rand(2, 3, 4, dtype=torch.float64).to(dtype)
    ours = box_positions(boxes, 8)
    assert ours.dtype == dtype
    assert torch.equal(ours, box_positions(boxes.double(), 8).to(dtype))


@pytest.mark.parametrize("num_prefix_tokens", [0, 1, 5])
@pytest.mark.parametrize(
    ("old", "new"), [((14, 14), (16, 12)), ((14, 14), (7, 7)), ((3, 5), (6, 5)), ((4, 4), (4, 4))], ids=str
)
def test_resampling_equals_timms_and_keeps_prefix_tokens(old, new, num_prefix_tokens):
    from timm.layers import resample_abs_pos_embed

    table = random_table(num_prefix_tokens + old[0] * old[1])
    ours = resample_positions(table, old, new, num_prefix_tokens)
    theirs = resample_abs_pos_embed(table, new_size=new, old_size=old, num_prefix_tokens=num_prefix_tokens)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    assert torch.equal(ours[:, :num_prefix_tokens], table[:, :num_prefix_tokens])
    assert ours.shape == (1, num_prefix_tokens + new[0] * new[1], 8)


def test_resampling_a_constant_table_changes_nothing():
    table = torch.full((1, 12, 8), 0.25)
    torch.testing.assert_close(resample_positions(table, (3, 4), (5, 9)), torch.full((1, 45, 8), 0.25))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_resampling_keeps_the_dtype_and_computes_in_float32_or_better(dtype):
    table = random_table(16, dtype=dtype)
    grid = table.double().transpose(1, 2).reshape(1, 8, 4, 4)
    exact = F.interpolate(grid, size=(6, 6), mode="bicubic", antialias=True).flatten(2).transpose(1, 2)
    ours = resample_positions(table, (4, 4), (6, 6))
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, exact.to(dtype), rtol=0, atol=0)


def test_a_learned_table_can_be_stretched_and_then_fits_another_grid():
    positions = LearnedPositions(4, 4, 8)
    before = positions.table.detach().clone()
    positions.resample(2, 6)
    torch.testing.assert_close(positions.table.detach(), resample_positions(before, (4, 4), (2, 6)))
    assert positions(torch.zeros(3, 12, 8), 2, 6).shape == (3, 12, 8)
    assert isinstance(positions.table, torch.nn.Parameter)
    assert positions.table.requires_grad


def test_a_frozen_table_stays_frozen_when_it_is_stretched():
    positions = LearnedPositions(4, 4, 8).requires_grad_(False)
    positions.resample(6, 6)
    assert not positions.table.requires_grad


def test_modules_add_the_same_table_to_every_picture():
    tokens = torch.randn(3, 20, 8)
    learned = LearnedPositions(4, 5, 8)
    torch.testing.assert_close(learned(tokens, 4, 5), tokens + learned.table)
    torch.testing.assert_close(SinCosPositions(8)(tokens, 4, 5), tokens + sincos_positions(4, 5, 8))


def score(rope, query, key, query_place, key_place):
    """Product of a query and a key after each was turned by its own (row, column)."""
    turned = [
        rope(vector[None], *(torch.tensor([float(part)]) for part in place))
        for vector, place in ((query, query_place), (key, key_place))
    ]
    return (turned[0] * turned[1]).sum()


place = st.integers(0, 30)


@settings(deadline=None, max_examples=50)
@given(place, place, place, place, place, place)
def test_a_rotary_score_depends_only_on_the_offset(row, column, other_row, other_column, down, right):
    rope = Rope2d(16)
    query, key = torch.randn(2, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    here = score(rope, query, key, (row, column), (other_row, other_column))
    there = score(rope, query, key, (row + down, column + right), (other_row + down, other_column + right))
    torch.testing.assert_close(here, there, rtol=0, atol=1e-10)


def test_rotary_scores_of_different_offsets_differ():
    rope = Rope2d(16)
    query, key = torch.randn(2, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    offsets = itertools.product(range(-3, 4), repeat=2)
    scores = torch.stack([score(rope, query, key, (5, 5), (5 + down, 5 + right)) for down, right in offsets])
    assert len(scores.unique()) == 49


def test_rotation_keeps_lengths_and_leaves_the_first_place_alone():
    heads = torch.randn(2, 3, 12, 8)
    turned = Rope2d(8)(heads, *grid_coordinates(3, 4))
    torch.testing.assert_close(turned.norm(dim=-1), heads.norm(dim=-1))
    torch.testing.assert_close(turned[:, :, 0], heads[:, :, 0])


def test_rotation_computes_its_angles_in_float32_or_better():
    heads = torch.ones(1, 1, 200, 16, dtype=torch.bfloat16)
    turned = Rope2d(16)(heads, *grid_coordinates(1, 200))
    assert turned.dtype == torch.bfloat16
    exact = Rope2d(16)(heads.double(), *grid_coordinates(1, 200))
    torch.testing.assert_close(turned.double(), exact, rtol=0, atol=0.02)


def test_rows_turn_the_first_half_of_a_head_and_columns_the_second():
    heads = torch.randn(2, 8)
    down = Rope2d(8)(heads, torch.tensor([1.0, 1.0]), torch.zeros(2))
    right = Rope2d(8)(heads, torch.zeros(2), torch.tensor([1.0, 1.0]))
    assert torch.equal(down[:, 4:], heads[:, 4:])
    assert torch.equal(right[:, :4], heads[:, :4])


def test_rotary_positions_equal_timms():
    from timm.layers import RotaryEmbeddingCat, apply_rot_embed_cat

    heads = torch.randn(2, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    embedding = RotaryEmbeddingCat(16, in_pixels=False, feat_shape=(3, 4)).get_embed()
    ours = Rope2d(16)(heads, *grid_coordinates(3, 4))
    torch.testing.assert_close(ours, apply_rot_embed_cat(heads, embedding), rtol=0, atol=1e-5)


BAD = {
    "width not a multiple of 4": (lambda: sincos_positions(2, 2, 6), "6 .*multiple of 4"),
    "width 0": (lambda: sincos_positions(2, 2, 0), "0 .*multiple of 4"),
    "width of a module": (lambda: SinCosPositions(10), "10 .*multiple of 4"),
    "width of a head": (lambda: Rope2d(6), "6 .*multiple of 4"),
    "width for boxes": (lambda: box_positions(torch.rand(1, 2, 4), 6), "6 .*multiple of 4"),
    "boxes in pixels": (lambda: box_positions(torch.rand(1, 2, 4) + 1, 8), "Divide boxes in pixels"),
    "boxes of integers": (lambda: box_positions(torch.ones(1, 2, 4).long(), 8), r"torch\.int64"),
    "boxes of five numbers": (lambda: box_positions(torch.rand(1, 2, 5), 8), r"\(1, 2, 5\)"),
    "table of another grid": (lambda: resample_positions(torch.ones(1, 12, 8), (4, 4), (2, 2)), r"\(1, 16, D\)"),
    "prefix not counted": (lambda: resample_positions(torch.ones(1, 17, 8), (4, 4), (2, 2)), r"\(1, 16, D\)"),
    "table sized by batch": (lambda: resample_positions(torch.ones(2, 16, 8), (4, 4), (2, 2)), r"\(2, 16, 8\)"),
    "no axis in front": (lambda: resample_positions(torch.ones(16, 8), (4, 4), (2, 2)), r"\(16, 8\)"),
    "a picture of another size": (lambda: LearnedPositions(4, 4, 8)(torch.ones(1, 12, 8), 3, 4), r"resample\(3, 4\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_sentence(name):
    call, words = BAD[name]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "expected" in str(caught.value)
