"""Distance by depth: the same numbers as its parts give, for a CNN and a ViT, at comparable places."""

import pytest
import timm
import torch
from torch import nn

from vlmteach.nn import ConvNet, VisionTransformer
from vlmteach.probes import (
    attention_maps,
    effective_receptive_field,
    measure_patchview,
    noise_images,
    weighted_distance,
)
from vlmteach.probes.depth import distance_by_depth

NOISE = noise_images(2, 32, 48)
PICTURE = noise_images(1, 32, 48, seed=1)


def cnn() -> nn.Module:
    torch.manual_seed(0)
    parts = [nn.Sequential(nn.Conv2d(c, 8, 3, stride=s, padding=1), nn.ReLU()) for c, s in [(3, 2), (8, 2), (8, 1)]]
    return nn.Sequential(*parts).eval()


def vit(num_prefix_tokens: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return VisionTransformer((32, 48), 8, 16, depth=3, num_heads=2, registers=num_prefix_tokens).eval()


def test_a_cnn_has_its_stages_and_no_attention() -> None:
    measured = distance_by_depth(cnn(), PICTURE, NOISE)
    assert measured.layers == ("0", "1", "2")
    assert measured.depth == pytest.approx((1 / 3, 2 / 3, 1))
    assert measured.attention is None
    assert (measured.field.diff() > 0).all()


def test_the_field_is_that_of_the_unit_in_the_middle() -> None:
    field = effective_receptive_field(cnn(), "1", (4, 6), NOISE)  # the grid has 8 x 12 cells of 4 pixels
    expected = weighted_distance(field, (4.5 * 4 - 0.5, 6.5 * 4 - 0.5))
    assert torch.equal(distance_by_depth(cnn(), PICTURE, NOISE).field[1], expected)


def test_attention_is_that_of_the_middle_patch_in_pixels_and_prefix_tokens_do_not_count() -> None:
    model = vit()
    maps = attention_maps(model, PICTURE)
    row = maps.weights[2][0][:, maps.num_prefix_tokens + 2 * 6 + 3, maps.num_prefix_tokens :].unflatten(-1, (4, 6))
    measured = distance_by_depth(model, PICTURE, NOISE)
    assert measured.attention is not None
    assert measured.attention.shape == (3, 2)
    torch.testing.assert_close(measured.attention[2], 8 * weighted_distance(row, (2, 3)))
    assert [name.count(".") for name in measured.layers] == [1, 1, 1]


def test_fewer_layers_are_evenly_spread_and_end_with_the_last() -> None:
    measured = distance_by_depth(vit(), PICTURE, NOISE, most=2)
    assert measured.depth == pytest.approx((2 / 3, 1))
    assert len(measured.field) == 2


def test_stages_that_are_named_are_measured_instead_of_found_ones() -> None:
    measured = distance_by_depth(cnn(), PICTURE, NOISE, stages=["0.0", "2.0"])
    assert measured.layers == ("0.0", "2.0")
    assert measured.depth == (0.5, 1.0)
    with pytest.raises(ValueError, match="expected none: its blocks count"):
        distance_by_depth(vit(), PICTURE, NOISE, stages=["blocks.0"])


def test_course_encoders_are_measured_too() -> None:
    measured = distance_by_depth(ConvNet(dim=8, dilations=(1, 1)).eval(), PICTURE, NOISE)
    assert len(measured.field) >= 2


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one size"):
        distance_by_depth(cnn(), PICTURE, noise_images(1, 32, 32))


def test_a_model_in_training_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="training mode"):
        distance_by_depth(vit().train(), PICTURE, NOISE)


def windows() -> nn.Module:
    options = {"img_size": 56, "embed_dim": 24, "depths": (1, 1), "num_heads": (1, 2)}
    return timm.create_model("swin_tiny_patch4_window7_224", **options).eval()


def test_attention_inside_windows_is_refused_without_advice_that_no_parameter_can_follow() -> None:
    noise = noise_images(1, 56, 56)
    with pytest.raises(ValueError, match=r"windows.*expected a network whose layers all attend") as caught:
        distance_by_depth(windows(), noise, noise)
    assert "layers=" not in str(caught.value)
    with pytest.raises(ValueError, match="expected a network whose layers all attend") as caught:
        measure_patchview(None, windows(), torch.rand(3, 56, 56))
    assert "layers=" not in str(caught.value)
