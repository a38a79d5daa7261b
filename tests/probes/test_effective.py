import copy
import math

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from vlmteach.probes import (
    effective_receptive_field,
    erf_share,
    erf_sigma,
    erf_size,
    noise_images,
    receptive_field,
    weighted_distance,
)
from vlmteach.probes.effective import effective_receptive_fields


def uniform_stack(depth, channels=1):
    """Convolutions 3×3 whose weights are all equal, in float64."""
    layers = [nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(depth)]
    for layer in layers:
        nn.init.constant_(layer.weight, 1 / (9 * channels))
    return nn.Sequential(*layers).double()


@pytest.mark.parametrize(
    ("depth", "sigma", "size"),
    [(5, None, 8.3066), (10, 2.581989, 11.7047), (20, None, 16.1555), (40, 5.163978, 22.7376)],
)
def test_the_field_of_a_uniform_stack_grows_with_the_root_of_its_depth(depth, sigma, size):
    side = 2 * depth + 3
    images = noise_images(1, side, side, channels=1).double()
    heat = effective_receptive_field(uniform_stack(depth), str(depth - 1), (depth + 1, depth + 1), images)
    assert erf_sigma(heat) == pytest.approx(math.sqrt(2 * depth / 3), abs=1e-5)
    assert sigma is None or erf_sigma(heat) == pytest.approx(sigma, abs=1e-5)
    assert erf_size(heat) == pytest.approx(size, abs=1e-4)


def test_opposite_gradients_of_a_pixels_colours_do_not_cancel():
    model = nn.Sequential(nn.Conv2d(3, 1, (1, 2), bias=False))
    model[0].weight.data = torch.tensor([[[[1.0, 1.0]], [[-1.0, 0.0]], [[0.0, 0.0]]]])
    heat = effective_receptive_field(model.eval(), "0", (1, 2), noise_images(2, 3, 5))
    assert heat[1, 2:4].tolist() == pytest.approx([1, 1 / 2], abs=1e-5)
    assert heat.count_nonzero() == 2


def test_vgg16_made_uniform_uses_a_gaussian_of_27_pixels_of_the_212_it_can_see():
    blocks = [2, 2, 3, 3, 3]
    layers = []
    for convolutions in blocks:
        layers += [*uniform_stack(convolutions), nn.AvgPool2d(2)]
    twin = nn.Sequential(*layers)
    assert receptive_field(twin)[str(len(layers) - 1)].size == (212, 212)
    images = torch.ones(1, 1, 224, 224, dtype=torch.float64)
    # Unit (3, 3) sees rows 6 to 217: all of its field lies in the picture.
    assert erf_sigma(effective_receptive_field(twin, str(len(layers) - 1), (3, 3), images)) == pytest.approx(
        27.639042, abs=1e-6
    )


def test_the_support_is_the_theoretical_box():
    model = nn.Sequential(nn.Conv2d(3, 8, (3, 5), stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)).eval()
    heat = effective_receptive_field(model, "2", (4, 6), noise_images(16, 30, 40))
    top, left, bottom, right = receptive_field(model, (30, 40))["2"].box(4, 6, clip=(30, 40))
    assert heat[top:bottom, left:right].gt(0).all()
    assert heat.count_nonzero() == (bottom - top) * (right - left)
    assert heat.max() == 1


def test_the_result_does_not_depend_on_how_pictures_are_batched_and_only_the_layer_is_run():
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Tanh(), nn.Conv2d(5, 5, 3), nn.Flatten(), nn.Linear(7, 7)).double()
    images = noise_images(5, 12, 12).double()
    whole = effective_receptive_field(model, "2", (4, 4), images, batch_size=5)
    torch.testing.assert_close(effective_receptive_field(model, "2", (4, 4), images, batch_size=2), whole)


class Saving(nn.Module):
    """A network that computes its stage again in the backward pass, and counts how often pictures enter it."""

    def __init__(self):
        super().__init__()
        self.stage, self.entered = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True)), 0

    def forward(self, image):
        self.entered += 1
        return checkpoint(self.stage, image, use_reentrant=False)


@pytest.mark.parametrize("network", ["checkpointed", "transformer"])
def test_units_measured_together_have_each_its_own_field_and_the_network_runs_once_a_batch(network, vit):
    model, layer = (Saving().eval(), "") if network == "checkpointed" else (vit, "blocks.1")
    positions, images = [(0, 1), (3, 3), (2, 0)], noise_images(3, 64, 64)
    together = effective_receptive_fields(model, layer, positions, images, batch_size=2)
    if network == "checkpointed":
        assert model.entered == 2
    alone = [effective_receptive_field(model, layer, position, images, batch_size=2) for position in positions]
    assert torch.equal(together, torch.stack(alone))


def test_parameters_keep_their_gradients_and_pictures_theirs():
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    images = noise_images(2, 8, 8)
    with torch.no_grad():
        effective_receptive_field(model, "0", (1, 1), images)
    assert model[0].weight.grad is None
    assert images.grad is None
    assert not images.requires_grad


def test_training_mode_is_left_for_the_measurement_with_a_sentence_and_comes_back():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1))
    images = noise_images(4, 16, 16)
    expected = effective_receptive_field(model.eval(), "2", (8, 8), images)
    model.train()
    model[0].eval()
    with pytest.warns(UserWarning, match="training mode"):
        heat = effective_receptive_field(model, "2", (8, 8), images)
    torch.testing.assert_close(heat, expected)
    assert (model[1].training, model[0].training) == (True, False)
    assert model[1].running_mean.eq(0).all()


@pytest.fixture(scope="module")
def vit():
    import timm

    torch.manual_seed(0)
    return timm.create_model("test_vit", img_size=64).eval()


@pytest.mark.parametrize("layer", ["patch_embed.proj", "blocks.1", "norm"])
def test_a_unit_of_a_vision_transformer_is_named_by_the_row_and_column_of_its_patch(vit, layer):
    heat = effective_receptive_field(vit, layer, (1, 3), noise_images(2, 64, 64))
    row, column = (heat == 1).nonzero()[0].tolist()
    assert (row // 16, column // 16) == (1, 3)
    sees_more_than_its_patch = heat.count_nonzero() > 16 * 16
    assert sees_more_than_its_patch == (layer != "patch_embed.proj")


class Broken(nn.Module):
    def forward(self, tokens):
        raise RuntimeError("the blocks behind the layer were run")


def test_of_a_vision_transformer_too_only_what_comes_before_the_layer_is_run(vit):
    expected = effective_receptive_field(vit, "blocks.0", (1, 3), noise_images(2, 64, 64))
    cut = copy.deepcopy(vit)
    cut.blocks[1] = Broken()
    assert torch.equal(effective_receptive_field(cut, "blocks.0", (1, 3), noise_images(2, 64, 64)), expected)


def test_channels_in_the_last_axis_are_not_taken_for_columns(vit):
    with pytest.raises(ValueError, match=r"looks like \(B, H, W, C\)"):
        effective_receptive_field(vit, "patch_embed", (1, 3), noise_images(1, 64, 64))


def test_own_encoders_return_visual_tokens_and_are_asked_as_a_whole():
    from vlmteach.nn import ConvNet

    torch.manual_seed(0)
    heat = effective_receptive_field(ConvNet(dim=16).eval(), "", (2, 5), noise_images(2, 64, 64))
    row, column = (heat == 1).nonzero()[0].tolist()
    assert abs(row - 8 * 2.5) < 8
    assert abs(column - 8 * 5.5) < 8


def test_torchvision_transformers_have_their_class_token_in_front():
    from torchvision.models import VisionTransformer

    torch.manual_seed(0)
    model = VisionTransformer(32, 8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=16).eval()
    heat = effective_receptive_field(model, "encoder.layers.encoder_layer_0", (2, 1), noise_images(4, 32, 32))
    row, column = (heat == 1).nonzero()[0].tolist()
    assert (row // 8, column // 8) == (2, 1)


class Loose(nn.Module):
    """Tokens of which nobody says how they lie in the picture."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, image):
        return image.flatten(2).transpose(1, 2)[:, : self.count]


CONV = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten())


@pytest.mark.parametrize(
    ("model", "layer", "position", "images", "sentence"),
    [
        (CONV, "Conv", (0, 0), noise_images(1, 8, 8), "no layer 'Conv'"),
        (CONV, "0", (6, 0), noise_images(1, 8, 8), r"position \(6, 0\) is outside the 6×6 map.*0 to 5"),
        (CONV, "0", (0, -1), noise_images(1, 8, 8), "outside the 6×6 map"),
        (CONV, "2", (0, 0), noise_images(1, 8, 8), r"returns shape \(1, 144\)"),
        (CONV, "0", (0, 0), noise_images(1, 2, 2), "cannot take pictures of 2×2 pixels"),
        (CONV, "0", (0, 0), noise_images(1, 8, 8)[0], r"shape \(3, 8, 8\); expected pictures"),
        (CONV, "0", (0, 0), [1], "list; expected pictures"),
        (CONV, "0", (0, 0), torch.ones(1, 3, 8, 8, dtype=torch.uint8), "uint8"),
        (CONV, "0", (0, 0), torch.full((1, 3, 8, 8), torch.nan), "not finite"),
        (CONV, "0", (0, 0), noise_images(1, 8, 8).double(), "float64 and the model is"),
        (nn.Conv2d(3, 1, 1, device="meta"), "", (0, 0),
         noise_images(1, 8, 8), "images are on cpu, the model is on meta"),
        (nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU()), "1", (0, 0),
         torch.zeros(1, 3, 8, 8), "all-zero picture"),
        (nn.Sequential(Loose(7)), "0", (0, 0), noise_images(1, 8, 8), "7 tokens, which form no grid"),
        (nn.Sequential(Loose(16)), "0", (0, 0), noise_images(1, 8, 8), "16 tokens, which form no grid"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_with_a_sentence(model, layer, position, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        effective_receptive_field(model, layer, position, images)


def test_an_unknown_layer_is_answered_with_near_names():
    model = nn.Sequential()
    model.add_module("layer4", nn.Conv2d(3, 1, 1))
    with pytest.raises(ValueError, match="Near names: layer4"):
        effective_receptive_field(model, "layr4", (0, 0), noise_images(1, 4, 4))


def test_a_layer_that_is_never_called_is_named():
    model = nn.Conv2d(3, 1, 1)
    model.spare = nn.Identity()
    with pytest.raises(ValueError, match="never calls the layer 'spare'"):
        effective_receptive_field(model, "spare", (0, 0), noise_images(1, 4, 4))


def test_sizes_of_a_known_map():
    heat = torch.zeros(10, 20)
    heat[2:6, 4:8] = 1.0
    heat[9, 19] = 0.04  # below the threshold of 4.55 %
    assert erf_size(heat) == 4
    assert erf_share(heat) == pytest.approx(16 / 200)
    assert erf_share(heat, box=(0, 0, 8, 8)) == pytest.approx(16 / 64)
    corners = torch.zeros(5, 5)
    corners[0, 0] = corners[0, 4] = corners[4, 0] = corners[4, 4] = 1.0
    assert erf_sigma(corners) == pytest.approx(2.0)
    assert weighted_distance(corners, (2, 2)) == pytest.approx(math.sqrt(8))


@pytest.mark.parametrize(
    "heat", [torch.zeros(3, 3), -torch.ones(3, 3), torch.full((3, 3), torch.inf), torch.ones(1, 3, 3)]
)
def test_a_map_without_weights_has_no_size(heat):
    with pytest.raises(ValueError, match="heat"):
        erf_sigma(heat)


def test_a_share_needs_a_box_inside_the_map():
    with pytest.raises(ValueError, match="inside the 4×4 map"):
        erf_share(torch.ones(4, 4), box=(-1, 0, 3, 3))
