"""Channels first or last: the oracle is the network, which is written down here and says where its channels are."""

import pytest
import timm
import torch
from torch import nn
from torchvision.models import SwinTransformer

from vlmteach.probes import effective_receptive_field, measure_patchview, noise_images
from vlmteach.probes.depth import distance_by_depth
from vlmteach.probes.grids import require_channels_first
from vlmteach.probes.patchview.layers import read_grids


class ChannelsLast(nn.Module):
    def forward(self, grid):
        return grid.permute(0, 2, 3, 1)


class OneSize(nn.Module):
    """Takes pictures of one size, and says so at the door."""

    def __init__(self, size, inside):
        super().__init__()
        self.size, self.inside = size, inside

    def forward(self, image):
        if tuple(image.shape[-2:]) != self.size:
            raise KeyError(f"expected {self.size}")
        return self.inside(image)


def conv(channels, *behind, stride=2):
    return nn.Sequential(nn.Conv2d(3, channels, 2, stride=stride), *behind).eval()


def require(model, layer, size):
    """The rule, for what the layer really returns."""
    picture, kept = noise_images(1, *size), []
    hook = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output.shape))
    model(picture)
    hook.remove()
    require_channels_first(model, {layer: kept[0]}, picture)


SIZES = [(32, 32), (32, 48), (33, 49), (48, 32)]


# as many channels as rows, as columns, as half of them, and 1.5 times as many, where proportions are those of a picture
@pytest.mark.parametrize("channels", [1, 8, 16, 24, 36])
@pytest.mark.parametrize("size", SIZES)
def test_a_network_of_any_size_tells_its_channels(channels, size):
    model = conv(channels, ChannelsLast())
    require(model, "0", size)
    with pytest.raises(ValueError, match=r"layer '1' returns .* looks like \(B, H, W, C\).*Permute\(\[0, 3, 1, 2\]\)"):
        require(model, "1", size)


@pytest.mark.parametrize("channels", [7, 30])
@pytest.mark.parametrize("size", SIZES)
def test_the_shape_tells_the_channels_of_a_network_of_one_size(channels, size):
    model = OneSize(size, conv(channels, ChannelsLast()))
    require(model, "inside.0", size)
    with pytest.raises(ValueError, match=r"looks like \(B, H, W, C\)"):
        require(model, "inside.1", size)


@pytest.mark.parametrize("layer", ["inside.0", "inside.1"])
def test_a_shape_that_fits_both_ways_is_refused_when_nothing_else_tells(layer):
    with pytest.raises(ValueError, match=r"\(1, 16, 16, 16\), and neither this shape nor a wider picture tells"):
        require(OneSize((32, 32), conv(16, ChannelsLast())), layer, (32, 32))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [1, 7])
def test_a_pool_to_one_size_hides_no_channels(size, side):
    model = conv(2, nn.AdaptiveAvgPool2d(side), ChannelsLast())
    require(model, "1", size)
    with pytest.raises(ValueError, match=r"looks like \(B, H, W, C\)"):
        require(model, "2", size)
    require(conv(1, nn.AdaptiveAvgPool2d(1), ChannelsLast()), "2", size)  # one number


def test_strides_may_differ_from_axis_to_axis():
    model = conv(16, ChannelsLast(), stride=(2, 1))  # (B, 16, 16, 31), then (B, 16, 31, 16)
    require(model, "0", (32, 32))
    with pytest.raises(ValueError, match=r"looks like \(B, H, W, C\)"):
        require(model, "1", (32, 32))


def test_maps_of_attention_are_no_grids():
    class Scores(nn.Module):
        def forward(self, grid):
            tokens = grid.flatten(2)
            return (tokens.mT @ tokens)[:, None]

    with pytest.raises(ValueError, match="neither this shape nor a wider picture tells"):
        require(conv(4, Scores()), "1", (8, 12))


def test_the_network_is_left_as_it_was_and_runs_no_further_than_the_layer():
    class Broken(nn.Module):
        def forward(self, grid):
            raise AssertionError("what comes behind the layer was run")

    model = nn.Sequential(nn.Conv2d(3, 11, 2, stride=2), nn.BatchNorm2d(11), Broken()).train()
    require_channels_first(model, {"1": (1, 11, 16, 24)}, noise_images(1, 32, 48))  # 11 to 16 is about 32 to 48
    assert model.training
    assert all(module.training for module in model.modules())
    assert not model[1].running_mean.any()
    assert not any(module._forward_hooks for module in model.modules())


# the probes


@pytest.fixture(scope="module")
def convnext():
    torch.manual_seed(0)
    return timm.create_model("test_convnext").eval()  # 24 channels in its first stage, of 16 x 16 cells at 64 pixels


def timms_swin():
    options = {"img_size": 56, "embed_dim": 24, "depths": (1, 2), "num_heads": (1, 2)}
    return timm.create_model("swin_tiny_patch4_window7_224", **options).eval()


def torchvisions_swin():
    return SwinTransformer([4, 4], 24, [1, 2], [1, 2], [7, 7]).eval()


LAST = r"looks like \(B, H, W, C\)"
NORM, DEPTHWISE = "stages.0.blocks.0.norm", "stages.0.blocks.0.conv_dw"


@pytest.mark.parametrize("size", [(64, 64), (64, 96)])
def test_the_effective_field_of_a_map_with_its_channels_last_is_refused(convnext, size):
    noise = noise_images(1, *size)
    with pytest.raises(ValueError, match=LAST):
        effective_receptive_field(convnext, NORM, (3, 9), noise)
    row, column = (effective_receptive_field(convnext, DEPTHWISE, (3, 9), noise) == 1).nonzero()[0].tolist()
    assert abs(row - 4 * 3.5) < 14
    assert abs(column - 4 * 9.5) < 14


@pytest.mark.parametrize(("make", "layer"), [(timms_swin, "layers.0"), (torchvisions_swin, "features.1")])
def test_swins_maps_have_their_channels_last(make, layer):
    with pytest.raises(ValueError, match=LAST):
        effective_receptive_field(make(), layer, (3, 9), noise_images(1, 56, 56))


def test_what_a_layer_held_is_refused_each_time_when_its_channels_are_last(convnext):
    read = read_grids(convnext, [DEPTHWISE, NORM])
    for _ in range(2):
        with pytest.raises(ValueError, match=LAST):
            read(noise_images(2, 64, 64))
    assert read_grids(convnext, [DEPTHWISE])(noise_images(2, 64, 96))[DEPTHWISE].shape == (2, 16, 24, 24)


def test_the_explorer_refuses_before_it_measures(convnext, capsys):
    with pytest.raises(ValueError, match=f"layer '{NORM}' returns .* {LAST}"):
        measure_patchview(convnext, None, torch.rand(3, 64, 64), cnn_layers=[NORM])
    with pytest.raises(ValueError, match=f"layer 'patch_embed' returns .* {LAST}"):
        measure_patchview(timms_swin(), None, torch.rand(3, 56, 56))
    assert "measuring" not in capsys.readouterr().err


def test_a_distance_at_a_map_with_its_channels_last_is_refused(convnext):
    noise = noise_images(1, 64, 64)
    with pytest.raises(ValueError, match=LAST):
        distance_by_depth(convnext, noise, noise, stages=[NORM])
