import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmteach.probes import weighted_distance


def test_all_weight_at_the_position_is_distance_zero():
    heat = torch.zeros(5, 7)
    heat[3, 2] = 0.25
    assert weighted_distance(heat, (3, 2)) == 0


def test_two_pixels_average_by_their_weights():
    heat = torch.zeros(9, 9, dtype=torch.float64)
    heat[0, 4] = 1.0  # four rows up
    heat[7, 8] = 3.0  # three down, four right: distance five
    assert weighted_distance(heat, (4, 4)) == pytest.approx((1 * 4 + 3 * 5) / 4)


@pytest.mark.parametrize(("side", "patch", "pixels"), [(14, 16, 116.4922), (7, 32, 115.5029), (16, 14, 116.5651)])
def test_uniform_weight_gives_the_known_mean_distance_of_a_patch_grid(side, patch, pixels):
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    positions = torch.stack([rows.flatten(), columns.flatten()], dim=-1)
    heat = torch.ones(side * side, side, side, dtype=torch.float64)
    assert patch * weighted_distance(heat, positions).mean() == pytest.approx(pixels, abs=1e-4)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.floats(0.01, 100), st.integers(0, 999))
def test_the_scale_of_heat_does_not_matter_and_axes_are_rows_then_columns(height, width, scale, seed):
    heat = torch.rand(2, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.01
    distance = weighted_distance(heat, (0.5, 2.0))
    torch.testing.assert_close(weighted_distance(heat * scale, (0.5, 2.0)), distance)
    torch.testing.assert_close(weighted_distance(heat.mT, (2.0, 0.5)), distance)


def test_whole_number_heat_is_counted_as_weights():
    heat = torch.tensor([[1, 0, 1]], dtype=torch.uint8)
    assert weighted_distance(heat, (0, 0)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("heat", "position", "sentence"),
    [
        (torch.ones(4), (0, 0), r"heat must be \(…, H, W\)"),
        (torch.ones(4, 4), (0, 0, 0), r"position must be \(row, column\)"),
        (torch.ones(4, 4), 3, r"position must be \(row, column\)"),
        (-torch.ones(4, 4), (0, 0), "finite and non-negative"),
        (torch.full((4, 4), math.nan), (0, 0), "finite and non-negative"),
        (torch.zeros(2, 4, 4), (0, 0), "zero everywhere"),
    ],
)
def test_bad_heat_is_refused_with_a_sentence(heat, position, sentence):
    with pytest.raises(ValueError, match=sentence):
        weighted_distance(heat, position)
