import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from vlmteach.nn import (
    AddPositions,
    DropPrefix,
    NormTokens,
    Projector,
    SpaceToDepth,
    VisualTokens,
    box_positions,
    grid_boxes,
    grid_size,
    grid_to_tokens,
    tokens_to_grid,
    whole_picture,
)


def visual_tokens(height=4, width=6, dim=8, batch=2):
    grid = torch.randn(batch, dim, height, width)
    return VisualTokens(grid_to_tokens(grid), grid_boxes(batch, height, width, like=grid)), grid


def with_prefix(visual, count):
    front = whole_picture(torch.randn(len(visual.tokens), count, visual.tokens.shape[2]))
    return VisualTokens(
        torch.cat([front.tokens, visual.tokens], 1), torch.cat([front.boxes, visual.boxes], 1), prefix=count
    )


@given(st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_the_boxes_say_how_large_the_grid_is(height, width):
    assert grid_size(visual_tokens(height, width)[0]) == (height, width)


def test_dropping_the_prefix_leaves_the_grid():
    visual, _ = visual_tokens()
    dropped = DropPrefix()(with_prefix(visual, 5))
    assert torch.equal(dropped.tokens, visual.tokens)
    assert torch.equal(dropped.boxes, visual.boxes)
    assert dropped.prefix == 0


def test_pixel_shuffle_is_torchs_pixel_unshuffle():
    visual, grid = visual_tokens(4, 6)
    assert torch.equal(SpaceToDepth(2)(visual).tokens, grid_to_tokens(F.pixel_unshuffle(grid, 2)))


def test_joined_cells_stand_for_the_union_of_their_squares():
    assert torch.allclose(SpaceToDepth(2)(visual_tokens(4, 6)[0]).boxes, grid_boxes(2, 2, 3, like=torch.zeros(1)))


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


def test_positions_are_those_of_the_boxes():
    visual, _ = visual_tokens()
    added = AddPositions()(visual).tokens - visual.tokens
    assert torch.allclose(added, box_positions(visual.boxes, 8), atol=1e-6)


def test_equal_places_get_equal_positions_whoever_made_the_tokens():
    coarse = VisualTokens(torch.zeros(1, 1, 8), torch.tensor([[[0.25, 0.25, 0.75, 0.75]]]))
    fine = VisualTokens(torch.zeros(1, 1, 8), torch.tensor([[[0.49, 0.49, 0.51, 0.51]]]))
    assert torch.allclose(AddPositions()(coarse).tokens, AddPositions()(fine).tokens, atol=1e-5)


def test_prefix_tokens_have_no_place():
    visual = with_prefix(visual_tokens()[0], 2)
    placed = AddPositions()(visual)
    assert torch.equal(placed.tokens[:, :2], visual.tokens[:, :2])
    assert placed.prefix == 2


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
    assert normed.prefix == 1


def test_the_norm_never_mixes_tokens():
    visual, _ = visual_tokens()
    other = visual.tokens.clone()
    other[:, 3] *= -5
    layer = NormTokens(8)
    moved = (layer(VisualTokens(other, visual.boxes)).tokens - layer(visual).tokens).abs().amax(dim=(0, 2))
    assert moved.nonzero().flatten().tolist() == [3]


def test_the_norm_refuses_tokens_of_another_width():
    with pytest.raises(ValueError, match="the visual tokens are 8 wide; this connector was built for 12"):
        NormTokens(12)(visual_tokens()[0])


REGIONS = VisualTokens(torch.zeros(1, 2, 8), torch.tensor([[[0, 0, 0.5, 0.5], [0.2, 0.1, 0.9, 0.8]]]))
COLUMN_MAJOR = VisualTokens(
    torch.zeros(1, 4, 8), grid_boxes(1, 2, 2, like=torch.zeros(1))[:, [0, 2, 1, 3]].contiguous()
)


@pytest.mark.parametrize(
    ("visual", "words"),
    [
        (REGIONS, "row-major grid"),
        (COLUMN_MAJOR, "row-major grid"),
        (whole_picture(torch.zeros(1, 3, 8)), "row-major grid"),
        (with_prefix(visual_tokens()[0], 1), "DropPrefix"),
    ],
)
def test_what_is_no_grid_is_refused(visual, words):
    with pytest.raises(ValueError, match=words):
        grid_size(visual)


def test_a_factor_that_does_not_divide_the_grid_is_refused():
    with pytest.raises(ValueError, match="does not divide 4 x 6"):
        SpaceToDepth(4)(visual_tokens(4, 6)[0])


def test_tokens_of_a_grid_go_back_to_it():
    visual, grid = visual_tokens(3, 5)
    assert torch.equal(tokens_to_grid(visual.tokens, *grid_size(visual)), grid)
