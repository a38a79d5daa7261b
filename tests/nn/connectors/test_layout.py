import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from vlmteach.nn import (
    AddPositions,
    DropPrefixTokens,
    NormTokens,
    Projector,
    SpaceToDepth,
    VisualTokens,
    box_positions,
    grid_boxes,
    grid_to_tokens,
    on_grid,
    whole_picture,
)


def visual_tokens(height=4, width=6, dim=8, batch=2):
    grid = torch.randn(batch, dim, height, width)
    return on_grid(grid_to_tokens(grid), height, width), grid


def with_prefix(visual, count):
    front = whole_picture(torch.randn(len(visual.tokens), count, visual.tokens.shape[2]))
    tokens, boxes = torch.cat([front.tokens, visual.tokens], 1), torch.cat([front.boxes, visual.boxes], 1)
    return VisualTokens(tokens, boxes, num_prefix_tokens=count, grid=visual.grid)


def test_dropping_the_prefix_leaves_the_grid():
    visual, _ = visual_tokens()
    dropped = DropPrefixTokens()(with_prefix(visual, 5))
    assert torch.equal(dropped.tokens, visual.tokens)
    assert torch.equal(dropped.boxes, visual.boxes)
    assert (dropped.num_prefix_tokens, dropped.grid) == (0, (4, 6))


def test_pixel_shuffle_is_torchs_pixel_unshuffle():
    visual, grid = visual_tokens(4, 6)
    assert torch.equal(SpaceToDepth(2)(visual).tokens, grid_to_tokens(F.pixel_unshuffle(grid, 2)))


def test_joined_cells_stand_for_the_union_of_their_squares_and_form_a_grid_again():
    joined = SpaceToDepth(2)(visual_tokens(4, 6)[0])
    assert torch.allclose(joined.boxes, grid_boxes(2, 2, 3, like=torch.zeros(1)))
    assert joined.grid == (2, 3)


def test_the_union_is_of_the_boxes_as_they_are():
    visual, _ = visual_tokens(2, 4)
    clipped = VisualTokens(visual.tokens, visual.boxes * 0.9, grid=visual.grid)  # a picture that its cells do not fill
    assert torch.allclose(SpaceToDepth(2)(clipped).boxes, 0.9 * grid_boxes(2, 1, 2, like=torch.zeros(1)))


@pytest.mark.parametrize("factor", [2, 3])
def test_pixel_shuffle_then_a_linear_map_is_a_strided_convolution(factor):
    visual, grid = visual_tokens(6, 12)
    joined = nn.Sequential(SpaceToDepth(factor), Projector(8 * factor**2, 5))
    linear = joined[1].map[0]
    convolution = nn.Conv2d(8, 5, factor, stride=factor)
    with torch.no_grad():
        convolution.weight.copy_(linear.weight.unflatten(1, (8, factor, factor)))
        convolution.bias.copy_(linear.bias)
    assert torch.allclose(joined(visual).tokens, grid_to_tokens(convolution(grid)), atol=1e-5)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_positions_are_those_of_the_boxes_whether_taken_once_for_all_pictures_or_for_each(h, w, num_prefix_tokens):
    visual = on_grid(torch.randn(3, num_prefix_tokens + h * w, 8), h, w, num_prefix_tokens)
    as_a_set = VisualTokens(visual.tokens, visual.boxes, num_prefix_tokens)
    where = box_positions(visual.boxes, 8)
    where[:, :num_prefix_tokens] = 0
    assert torch.allclose(AddPositions()(visual).tokens, visual.tokens + where, atol=1e-5)
    assert torch.allclose(AddPositions()(as_a_set).tokens, visual.tokens + where, atol=1e-5)


def test_tokens_that_form_no_grid_have_places_of_their_own_in_each_picture():
    visual = VisualTokens(torch.zeros(2, 3, 8), torch.rand(2, 3, 4))
    assert torch.equal(AddPositions()(visual).tokens, box_positions(visual.boxes, 8))


def test_sines_are_taken_for_one_picture_only_where_all_have_the_same_grid(monkeypatch):
    taken = []
    sine = torch.Tensor.sin
    monkeypatch.setattr(torch.Tensor, "sin", lambda angles: taken.append(len(angles)) or sine(angles))
    AddPositions()(visual_tokens(batch=5)[0])
    assert set(taken) == {1}


def test_equal_places_get_equal_positions_whoever_made_the_tokens():
    coarse = VisualTokens(torch.zeros(1, 1, 8), torch.tensor([[[0.25, 0.25, 0.75, 0.75]]]))
    fine = VisualTokens(torch.zeros(1, 1, 8), torch.tensor([[[0.49, 0.49, 0.51, 0.51]]]))
    assert torch.allclose(AddPositions()(coarse).tokens, AddPositions()(fine).tokens, atol=1e-5)


def test_prefix_tokens_have_no_place():
    visual = with_prefix(visual_tokens()[0], 2)
    placed = AddPositions()(visual)
    assert torch.equal(placed.tokens[:, :2], visual.tokens[:, :2])
    assert placed.num_prefix_tokens == 2


def test_the_norm_is_torchs_on_each_token():
    visual = with_prefix(visual_tokens()[0], 1)
    layer = NormTokens(8)
    nn.init.normal_(layer.norm.weight)
    nn.init.normal_(layer.norm.bias)
    normed = layer(visual)
    centred = visual.tokens - visual.tokens.mean(dim=2, keepdim=True)
    scaled = centred / (centred.square().mean(dim=2, keepdim=True) + 1e-5).sqrt()
    assert torch.allclose(normed.tokens, scaled * layer.norm.weight + layer.norm.bias, atol=1e-5)
    assert torch.equal(normed.boxes, visual.boxes)
    assert normed.num_prefix_tokens == 1


def test_the_norm_never_mixes_tokens():
    visual, _ = visual_tokens()
    other = visual.tokens.clone()
    other[:, 3] *= -5
    layer = NormTokens(8)
    moved = (layer(VisualTokens(other, visual.boxes)).tokens - layer(visual).tokens).abs().amax(dim=(0, 2))
    assert moved.nonzero().flatten().tolist() == [3]


def test_the_norm_refuses_tokens_of_another_width():
    with pytest.raises(ValueError, match=r"\(2, 24, 8\); expected \(B, N, 12\)"):
        NormTokens(12)(visual_tokens()[0])


REGIONS = VisualTokens(torch.zeros(1, 2, 8), torch.tensor([[[0, 0, 0.5, 0.5], [0.2, 0.1, 0.9, 0.8]]]))
COLUMN_MAJOR = VisualTokens(
    torch.zeros(1, 4, 8), grid_boxes(1, 2, 2, like=torch.zeros(1))[:, [0, 2, 1, 3]].contiguous()
)


@pytest.mark.parametrize(
    ("visual", "words"),
    [
        (REGIONS, "cells of one grid"),
        (COLUMN_MAJOR, "cells of one grid"),
        (whole_picture(torch.zeros(1, 4, 8)), "cells of one grid"),
        (on_grid(torch.zeros(1, 5, 8), 2, 2, num_prefix_tokens=1), "DropPrefixTokens"),
        (with_prefix(visual_tokens()[0], 1), "DropPrefixTokens"),
    ],
)
def test_what_is_no_grid_is_refused(visual, words):
    with pytest.raises(ValueError, match=words):
        SpaceToDepth(2)(visual)


def test_a_factor_that_does_not_divide_the_grid_is_refused():
    with pytest.raises(ValueError, match="does not divide 4 x 6"):
        SpaceToDepth(4)(visual_tokens(4, 6)[0])
