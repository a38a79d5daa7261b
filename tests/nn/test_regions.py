import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.ops import roi_align

from vlmteach.nn import RegionEncoder, box_geometry, region_tokens

BOXES = torch.tensor([[[0.0, 8.0, 16.0, 40.0], [4.0, 4.0, 12.0, 20.0]]])  # top, left, bottom, right


class TwoConvolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.GELU(), nn.Conv2d(6, 6, 3, 2, 1))

    def grid(self, image):
        return self.layers(image)


def torchvisions_regions(grid, boxes, stride):
    corners = list(boxes[..., [1, 0, 3, 2]].to(grid.dtype))  # (top, left, bottom, right) -> (x1, y1, x2, y2)
    sampled = roi_align(grid, corners, output_size=7, spatial_scale=1 / stride, sampling_ratio=2, aligned=True)
    return sampled.mean(dim=(2, 3)).unflatten(0, boxes.shape[:2])


def test_a_region_is_the_mean_of_torchvisions_seven_by_seven_cells():
    grid = torch.randn(1, 5, 8, 12)
    ours = region_tokens(grid, BOXES, stride=4)
    assert ours.shape == (1, 2, 5)
    assert torch.allclose(ours, torchvisions_regions(grid, BOXES, 4), atol=1e-5)


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 32), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_any_boxes_give_what_torchvision_gives(batch, rows, columns, stride, seed):
    """Thin boxes, boxes between cells, and boxes that end in the pixels that an encoder rounded away."""
    generator = torch.Generator().manual_seed(seed)
    grid = torch.randn(batch, 3, rows, columns, generator=generator, dtype=torch.float64)
    sides = torch.tensor([(rows + 1) * stride - 1, (columns + 1) * stride - 1], dtype=torch.float64).clamp(min=1)
    corners = torch.rand(batch, 4, 2, 2, generator=generator, dtype=torch.float64).sort(dim=2).values * sides
    boxes = corners.flatten(2)
    ours, theirs = region_tokens(grid, boxes, stride), torchvisions_regions(grid, boxes, stride)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_gradients_reach_the_grid_as_torchvisions_do():
    grid = torch.randn(1, 2, 8, 12, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 2, 2, dtype=torch.float64)
    ours, theirs = (
        torch.autograd.grad((regions(grid, BOXES, 4) * weights).sum(), grid)[0]
        for regions in (region_tokens, torchvisions_regions)
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_rows_and_columns_are_not_swapped():
    grid = torch.zeros(1, 1, 8, 12)
    grid[:, :, :, 6:] = 1  # the right half is bright
    left, right = torch.tensor([[[0.0, 0, 32, 20], [0.0, 28, 32, 48]]]).unbind(1)
    assert region_tokens(grid, left[:, None], 4).item() == pytest.approx(0)
    assert region_tokens(grid, right[:, None], 4).item() == pytest.approx(1)


@pytest.mark.parametrize(("aligned", "same"), [(True, True), (False, False)])
def test_a_box_around_everything_is_the_identity_only_without_the_half_cell_shift(aligned, same):
    grid = torch.randn(1, 3, 5, 7)
    whole = [torch.tensor([[0.0, 0.0, 7 * 16, 5 * 16]])]
    out = roi_align(grid, whole, (5, 7), spatial_scale=1 / 16, sampling_ratio=1, aligned=aligned)
    assert torch.allclose(out, grid, atol=1e-5) is same


def test_a_constant_grid_gives_that_constant_for_every_box():
    grid = torch.full((1, 2, 8, 12), 3.5)
    assert torch.allclose(region_tokens(grid, BOXES, 4), torch.tensor(3.5))


def test_geometry_is_uniters_seven_numbers_and_lxmerts_first_four():
    # A box from row 10 to 30 and column 20 to 80 in a picture of 40 x 100.
    geometry = box_geometry(torch.tensor([[[10.0, 20.0, 30.0, 80.0]]]), height=40, width=100)
    x1, y1, x2, y2, w, h = 0.2, 0.25, 0.8, 0.75, 0.6, 0.5
    assert torch.allclose(geometry, torch.tensor([x1, y1, x2, y2, w, h, w * h]))


@given(st.integers(1, 60), st.integers(1, 60), st.data())
@settings(max_examples=30, deadline=None)
def test_geometry_stays_in_the_unit_interval(height, width, data):
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom, right = data.draw(st.integers(top + 1, height)), data.draw(st.integers(left + 1, width))
    geometry = box_geometry(torch.tensor([[[top, left, bottom, right]]]), height, width)
    assert geometry.shape == (1, 1, 7)
    assert ((geometry >= 0) & (geometry <= 1)).all()


@pytest.mark.parametrize("geometry", [4, 7])
@pytest.mark.parametrize("size", [(32, 48), (33, 51)])
def test_a_region_encoder_returns_one_placed_token_for_each_box(geometry, size):
    encoder = RegionEncoder(TwoConvolutions(), 6, 8, stride=4, geometry=geometry)
    visual = encoder(torch.rand(2, 3, *size), BOXES.expand(2, -1, -1))
    assert visual.tokens.shape == (2, 2, 8)
    height, width = size
    assert torch.allclose(visual.boxes * torch.tensor([height, width, height, width]), BOXES, atol=1e-4)
    assert visual.num_prefix_tokens == 0


def test_regions_are_a_set():
    encoder = RegionEncoder(TwoConvolutions(), 6, 8, stride=4)
    image = torch.rand(1, 3, 32, 48)
    assert torch.allclose(encoder(image, BOXES).tokens.flip(1), encoder(image, BOXES.flip(1)).tokens, atol=1e-5)


def test_geometry_tells_twins_apart():
    image = torch.full((1, 3, 32, 48), 0.5)
    twins = torch.tensor([[[12.0, 12.0, 20.0, 20.0], [12.0, 24.0, 20.0, 32.0]]])
    encoder = RegionEncoder(TwoConvolutions(), 6, 8, stride=4)
    seen = region_tokens(encoder.encoder.grid(image), twins, 4)
    assert torch.allclose(seen[:, 0], seen[:, 1], atol=1e-5)
    tokens = encoder(image, twins).tokens
    assert not torch.allclose(tokens[:, 0], tokens[:, 1], atol=1e-3)


GOOD = torch.zeros(1, 2, 8, 12)
BAD = {
    "not a tensor": ([[0, 0, 4, 4]], TypeError, "tensor"),
    "no batch axis": (torch.tensor([[0.0, 0, 4, 4]]), ValueError, "batch axis"),
    "two batches": (torch.tensor([[[0.0, 0, 4, 4]]] * 2), ValueError, "for each picture"),
    "three numbers": (torch.zeros(1, 1, 3), ValueError, "top, left, bottom, right"),
    "zero boxes": (torch.zeros(1, 0, 4), ValueError, "zero boxes"),
    "NaN": (torch.tensor([[[0, 0, 4, float("nan")]]]), ValueError, "NaN"),
    "inverted": (torch.tensor([[[8.0, 0, 4, 4]]]), ValueError, "upside down"),
    "empty": (torch.tensor([[[4.0, 0, 4, 4]]]), ValueError, "empty"),
    "outside, negative": (torch.tensor([[[-1.0, 0, 4, 4]]]), ValueError, "outside"),
    "outside, too far": (torch.tensor([[[0.0, 0, 4, 90]]]), ValueError, "outside"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_boxes_are_refused_with_a_sentence(name):
    boxes, error, words = BAD[name]
    with pytest.raises(error, match=words):
        region_tokens(GOOD, boxes, 4)


def test_a_box_may_end_in_the_pixels_that_the_encoder_rounded_away_and_no_further():
    # A stride of 4 that rounds down turns 35 rows into 8 cells: the last 3 rows have no cell of their own.
    grid = torch.randn(1, 2, 8, 12)
    assert region_tokens(grid, torch.tensor([[[20.0, 0, 35, 4]]]), 4).isfinite().all()
    with pytest.raises(ValueError, match="outside"):
        region_tokens(grid, torch.tensor([[[20.0, 0, 36, 4]]]), 4)


def test_an_encoder_without_a_grid_is_refused():
    with pytest.raises(TypeError, match="no method grid"):
        RegionEncoder(nn.Identity(), 6, 8, stride=4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: region_tokens(torch.zeros(2, 8, 12), BOXES, 4), "four axes"),
        (lambda: region_tokens(GOOD, BOXES, 0), "stride"),
        (lambda: RegionEncoder(TwoConvolutions(), 6, 8, stride=4, geometry=5), "geometry"),
        (lambda: box_geometry(BOXES, 12, 48), "outside"),
    ],
)
def test_other_bad_input_is_refused_with_a_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
