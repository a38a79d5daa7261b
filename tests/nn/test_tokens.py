import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmteach.nn.tokens import (
    VisualTokens,
    grid_boxes,
    grid_to_tokens,
    on_grid,
    patchify,
    tokens_to_grid,
    unpatchify,
    whole_picture,
)

few = st.integers(1, 5)
seeds = st.integers(0, 2**31)
dtypes = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.uint8, torch.int64, torch.bool])
quickly = settings(deadline=None, max_examples=60)


def numbers(*shape, dtype=torch.float32, seed=0):
    """Random numbers of any dtype; among floats some are NaN and infinite, which a rearrangement must carry along."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 250, shape, generator=generator)
    if dtype.is_floating_point:
        drawn = drawn.to(dtype) / 7
        drawn[torch.rand(shape, generator=generator) < 0.1] = math.nan
        drawn[torch.rand(shape, generator=generator) < 0.1] = math.inf
    return drawn.to(dtype)


def same(ours, theirs):
    """Equal shape, dtype and every element, NaN where NaN."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    return True


@quickly
@given(few, few, few, few, dtypes, seeds)
def test_a_token_is_its_grid_cell(batch, channels, height, width, dtype, seed):
    grid = numbers(batch, channels, height, width, dtype=dtype, seed=seed)
    tokens = grid_to_tokens(grid)
    for y in range(height):
        for x in range(width):
            assert same(tokens[:, y * width + x], grid[:, :, y, x])


@quickly
@given(few, few, few, few, dtypes, seeds)
def test_grid_and_tokens_are_inverses(batch, channels, height, width, dtype, seed):
    grid = numbers(batch, channels, height, width, dtype=dtype, seed=seed)
    assert same(tokens_to_grid(grid_to_tokens(grid), height, width), grid)
    tokens = numbers(batch, height * width, channels, dtype=dtype, seed=seed)
    assert same(grid_to_tokens(tokens_to_grid(tokens, height, width)), tokens)


@quickly
@given(few, few, few, few, few, dtypes, seeds)
def test_patches_and_picture_are_inverses(batch, channels, rows, columns, size, dtype, seed):
    height, width = rows * size, columns * size
    image = numbers(batch, channels, height, width, dtype=dtype, seed=seed)
    patches = patchify(image, size)
    assert patches.shape == (batch, rows * columns, channels * size**2)
    assert same(unpatchify(patches, height, width, size, channels), image)
    assert same(patchify(unpatchify(patches, height, width, size, channels), size), patches)


@quickly
@given(few, few, few, few, st.integers(1, 4), dtypes, seeds)
def test_patches_of_a_grid_of_tokens_are_torchs_pixel_shuffle_and_lose_nothing(
    batch, dim, rows, columns, factor, dtype, seed
):
    height, width = rows * factor, columns * factor
    tokens = numbers(batch, height * width, dim, dtype=dtype, seed=seed)
    wider = patchify(tokens_to_grid(tokens, height, width), factor)
    assert wider.shape == (batch, rows * columns, dim * factor**2)
    theirs = F.pixel_unshuffle(tokens_to_grid(tokens, height, width), factor)
    assert same(tokens_to_grid(wider, rows, columns), theirs)
    assert same(grid_to_tokens(F.pixel_shuffle(tokens_to_grid(wider, rows, columns), factor)), tokens)


@pytest.mark.parametrize("shape", [(1, 2, 2, 3), (2, 3, 4, 4), (2, 12, 7, 7)], ids=str)
def test_reshape_has_the_same_shape_and_scrambles(shape):
    grid = torch.arange(math.prod(shape)).reshape(shape)
    ours = grid_to_tokens(grid)
    mistaken = grid.reshape(shape[0], shape[2] * shape[3], shape[1])
    assert ours.shape == mistaken.shape
    assert not torch.equal(ours, mistaken)


def test_view_and_flatten_are_no_inverse_of_grid_to_tokens():
    grid = torch.arange(24).reshape(1, 2, 3, 4)
    assert not torch.equal(grid_to_tokens(grid).reshape(1, 2, 3, 4), grid)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_patches_times_the_flat_kernel_are_the_strided_convolution(dtype, tolerance):
    image, weight = torch.randn(2, 3, 8, 12).to(dtype), torch.randn(5, 3, 4, 4).to(dtype) / 7
    convolution = grid_to_tokens(F.conv2d(image, weight, stride=4))
    torch.testing.assert_close(patchify(image, 4) @ weight.flatten(1).T, convolution, rtol=0, atol=tolerance)


@quickly
@given(few, few, few, few, few, seeds)
def test_patches_equal_unfold(batch, channels, rows, columns, size, seed):
    image = numbers(batch, channels, rows * size, columns * size, seed=seed)
    assert same(patchify(image, size), F.unfold(image, size, stride=size).transpose(1, 2))


def test_the_order_row_column_channel_needs_the_kernel_permuted():
    """Many ViTs write a patch as (p1 p2 c), channels last; their linear layer is another permutation of the kernel."""
    size = 2
    image, weight = torch.randn(1, 3, 4, 6), torch.randn(5, 3, size, size)
    channels_last = image.reshape(1, 3, 2, size, 3, size).permute(0, 2, 4, 3, 5, 1).reshape(1, 6, size * size * 3)
    ours = patchify(image, size)
    assert channels_last.shape == ours.shape
    assert not torch.equal(channels_last, ours)
    convolution = grid_to_tokens(F.conv2d(image, weight, stride=size))
    assert (channels_last @ weight.flatten(1).T - convolution).abs().max() > 0.1
    permuted = weight.permute(0, 2, 3, 1).flatten(1)
    torch.testing.assert_close(channels_last @ permuted.T, convolution)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_pixel_shuffle_and_a_linear_layer_are_a_strided_convolution_on_the_grid_of_tokens(dtype, tolerance):
    tokens, weight = torch.randn(2, 24, 6).to(dtype), torch.randn(10, 6, 2, 2).to(dtype) / 7
    grid = tokens_to_grid(tokens, 4, 6)
    shuffled, convolution = patchify(grid, 2) @ weight.flatten(1).T, F.conv2d(grid, weight, stride=2)
    torch.testing.assert_close(shuffled, grid_to_tokens(convolution), rtol=0, atol=tolerance)


@quickly
@given(few, few, few)
def test_boxes_tile_the_picture_in_the_order_of_the_tokens(batch, height, width):
    boxes = grid_boxes(batch, height, width, like=torch.zeros(1, dtype=torch.float64))
    assert boxes.shape == (batch, height * width, 4)
    for y in range(height):
        for x in range(width):
            cell = torch.tensor([y / height, x / width, (y + 1) / height, (x + 1) / width], dtype=torch.float64)
            torch.testing.assert_close(boxes[:, y * width + x], cell.expand(batch, 4))
    sides = boxes[..., 2:] - boxes[..., :2]
    torch.testing.assert_close(sides.prod(-1).sum(-1), torch.ones(batch, dtype=torch.float64))


def test_boxes_are_floats_even_for_integer_tokens():
    assert grid_boxes(1, 2, 2, like=torch.zeros(1, dtype=torch.uint8)).dtype == torch.float32
    assert grid_boxes(1, 2, 2, like=torch.zeros(1, dtype=torch.float16)).dtype == torch.float16


def test_before_the_boxes_of_a_grid_come_those_of_the_prefix():
    boxes = grid_boxes(3, 1, 2, like=torch.zeros(1), num_prefix_tokens=2)
    assert boxes.tolist() == [[[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0.5], [0, 0.5, 1, 1]]] * 3


@quickly
@given(few, few, few, few, st.integers(0, 3), seeds)
def test_tokens_on_a_grid_know_it_and_give_it_back(batch, dim, height, width, num_prefix_tokens, seed):
    tokens = numbers(batch, num_prefix_tokens + height * width, dim, seed=seed)
    visual = on_grid(tokens, height, width, num_prefix_tokens)
    assert (visual.num_prefix_tokens, visual.grid) == (num_prefix_tokens, (height, width))
    assert same(visual.boxes, grid_boxes(batch, height, width, like=tokens, num_prefix_tokens=num_prefix_tokens))
    assert same(grid_to_tokens(visual.without_prefix_tokens().as_grid()), tokens[:, num_prefix_tokens:])
    assert same(visual.without_prefix_tokens().boxes, grid_boxes(batch, height, width, like=tokens))
    assert visual.without_prefix_tokens().num_prefix_tokens == 0


def test_other_tokens_stay_at_their_places():
    visual = on_grid(torch.randn(2, 7, 3), 2, 3, num_prefix_tokens=1)
    wider = visual.with_tokens(torch.randn(2, 7, 5))
    assert (wider.num_prefix_tokens, wider.grid, wider.tokens.shape) == (1, (2, 3), (2, 7, 5))
    assert wider.boxes is visual.boxes
    with pytest.raises(ValueError, match=r"\(2, 7, 4\).*\(2, 6, 4\)"):
        visual.with_tokens(torch.randn(2, 6, 3))


def test_tokens_of_the_whole_picture_form_no_grid():
    visual = whole_picture(torch.randn(2, 3, 4))
    assert visual.boxes.tolist() == [[[0, 0, 1, 1]] * 3] * 2
    assert (visual.num_prefix_tokens, visual.grid) == (0, None)


def test_rearrangements_pass_gradients_through_unchanged():
    image = torch.randn(1, 3, 4, 4, requires_grad=True)
    patchify(image, 2).sum().backward()
    assert torch.equal(image.grad, torch.ones_like(image))


def tokens_of(*shape):
    return torch.zeros(shape)


BAD = {
    "grid without batch": (lambda: grid_to_tokens(tokens_of(3, 4, 4)), r"\(3, 4, 4\)", r"x\[None\]"),
    "grid of five axes": (lambda: grid_to_tokens(tokens_of(1, 1, 3, 4, 4)), r"\(1, 1, 3, 4, 4\)", "four axes"),
    "tokens given for a grid": (lambda: grid_to_tokens(tokens_of(1, 16, 3)), r"\(1, 16, 3\)", "four axes"),
    "empty batch of grids": (lambda: grid_to_tokens(tokens_of(0, 3, 4, 4)), r"\(0, 3, 4, 4\)", "batch was cut"),
    "grid without rows": (lambda: grid_to_tokens(tokens_of(1, 3, 0, 4)), r"\(1, 3, 0, 4\)", "batch was cut"),
    "tokens that are no H x W": (
        lambda: tokens_to_grid(tokens_of(1, 17, 3), 4, 4),
        r"\(1, 17, 3\); expected \(B, 16, D\)",
        "CLS",
    ),
    "height 0": (lambda: tokens_to_grid(tokens_of(1, 0, 3), 0, 4), "height is 0", "1 or more"),
    "both sides negative": (
        lambda: tokens_to_grid(tokens_of(1, 16, 3), -4, -4),
        "height is -4",
        "1 or more",
    ),
    "grid given for tokens": (lambda: tokens_to_grid(tokens_of(1, 3, 4, 4), 4, 4), r"\(1, 3, 4, 4\)", "three axes"),
    "tokens without batch": (lambda: tokens_to_grid(tokens_of(16, 3), 4, 4), r"\(16, 3\)", r"x\[None\]"),
    "empty batch of tokens": (
        lambda: tokens_to_grid(tokens_of(0, 16, 3), 4, 4),
        r"\(0, 16, 3\)",
        "at least one of each",
    ),
    "picture without batch": (lambda: patchify(tokens_of(3, 4, 4), 2), r"\(3, 4, 4\)", r"x\[None\]"),
    "empty batch of pictures": (lambda: patchify(tokens_of(0, 3, 4, 4), 2), r"\(0, 3, 4, 4\)", "batch was cut"),
    "patch that does not divide": (lambda: patchify(tokens_of(1, 3, 9, 8), 4), "4 does not divide 9 x 8", "8 x 8"),
    "patch size 0": (lambda: patchify(tokens_of(1, 3, 8, 8), 0), "patch size is 0", "1 or more"),
    "patch size below 0": (lambda: patchify(tokens_of(1, 3, 8, 8), -2), "patch size is -2", "1 or more"),
    "patches of other channels": (
        lambda: unpatchify(tokens_of(1, 4, 12), 4, 4, 2, channels=1),
        r"\(1, 4, 12\); expected \(B, 4, 4\)",
        r"channels \* patch_size\*\*2 = 1 \* 2\*\*2",
    ),
    "patches of a larger picture": (
        lambda: unpatchify(tokens_of(1, 6, 12), 4, 4, 2),
        r"\(1, 6, 12\); expected \(B, 4, 12\)",
        "2 x 2 patches",
    ),
    "unpatchify, size that does not divide": (lambda: unpatchify(tokens_of(1, 4, 12), 5, 4, 2), "5 x 4", "4 x 4"),
    "unpatchify, size 0": (lambda: unpatchify(tokens_of(1, 4, 12), 4, 4, 0), "patch size is 0", "1 or more"),
    "tokens of two axes": (lambda: VisualTokens(tokens_of(4, 3), tokens_of(4, 4)), r"\(4, 3\)", "grid_to_tokens"),
    "boxes of another count": (
        lambda: VisualTokens(tokens_of(1, 4, 3), tokens_of(1, 5, 4)),
        r"\(1, 5, 4\).*\(1, 4, 4\)",
        "grid_boxes",
    ),
    "boxes of five numbers": (
        lambda: VisualTokens(tokens_of(1, 4, 3), tokens_of(1, 4, 5)),
        r"\(1, 4, 5\)",
        "top, left, bottom, right",
    ),
    "more prefix tokens than the tokens": (
        lambda: VisualTokens(tokens_of(1, 4, 3), tokens_of(1, 4, 4), num_prefix_tokens=5),
        "num_prefix_tokens is 5.*0 to 4",
        "CLS and register",
    ),
    "prefix tokens below 0": (
        lambda: VisualTokens(tokens_of(1, 4, 3), tokens_of(1, 4, 4), num_prefix_tokens=-1),
        "num_prefix_tokens is -1",
        "CLS and register",
    ),
    "a grid of another count": (
        lambda: VisualTokens(tokens_of(1, 5, 3), tokens_of(1, 5, 4), num_prefix_tokens=1, grid=(2, 3)),
        r"num_prefix_tokens is 1 and grid \(2, 3\) for 5 tokens",
        "rows \\* columns",
    ),
    "no tokens": (lambda: VisualTokens(tokens_of(1, 0, 3), tokens_of(1, 0, 4)), r"\(1, 0, 3\)", "no visual tokens"),
    "a grid where there is none": (
        lambda: whole_picture(tokens_of(1, 4, 3)).as_grid(),
        "grid is? None|grid None",
        "neighbours",
    ),
    "nothing besides prefix tokens": (
        lambda: VisualTokens(tokens_of(1, 2, 3), tokens_of(1, 2, 4), num_prefix_tokens=2).without_prefix_tokens(),
        "only prefix tokens",
        "at least one",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_what_came_what_was_expected_and_what_to_do(name):
    call, given_words, remedy = BAD[name]
    with pytest.raises(ValueError, match=given_words) as caught:
        call()
    assert "expected" in str(caught.value)
    with pytest.raises(ValueError, match=remedy):
        call()
