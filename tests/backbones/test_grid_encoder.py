from collections.abc import Callable

import pytest
import torch
import torchvision
from support.random_weights import randomise
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.segmentation.fcn import _fcn_resnet

from vlmteach.backbones import GridEncoder, load_cnn
from vlmteach.backbones.weights import Undrawn

TORCHVISION = [  # name, node, channels, cells of a 64 x 96 picture
    ("vgg16", "features", 512, (2, 3)),
    ("resnet18", "layer4", 512, (2, 3)),
    ("resnet50", "layer4", 2048, (2, 3)),
    ("convnext_tiny", "features", 768, (2, 3)),
    ("mobilenet_v2", "features", 1280, (2, 3)),
    ("densenet121", "features", 1024, (2, 3)),
    ("efficientnet_b0", "features", 1280, (2, 3)),
]
TIMM = [
    ("resnet50", "layer4", 2048, (2, 3)),
    ("convnext_atto", "stages", 320, (2, 3)),
    ("vgg11", "features", 512, (2, 3)),
]


def vgg(make: Callable[..., nn.Module], *name: str) -> nn.Module:
    """A VGG whose classifier is NaN: the 120 million numbers in it are used by nothing here."""
    with Undrawn():
        model = make(*name)
    randomise(model.get_submodule("features"), scale=0.03)
    return model.eval()


def small(name: str) -> nn.Module:
    return vgg(torchvision.models.vgg16) if name == "vgg16" else load_cnn(name)


def tiny_swin() -> nn.Module:
    return torchvision.models.SwinTransformer([4, 4], 16, depths=[1, 1], num_heads=[1, 1], window_size=[7, 7])


def check(encoder: GridEncoder, node: str, channels: int, cells: tuple[int, int]) -> None:
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        grid, visual = encoder.grid(image), encoder(image)
    assert (encoder.node, encoder.channels) == (node, channels)
    assert grid.shape == (2, channels, *cells)
    assert torch.equal(visual.tokens, grid.flatten(2).mT)
    assert visual.num_prefix_tokens == 0
    height, width = cells
    assert visual.boxes[1, width + 1].tolist() == pytest.approx([1 / height, 1 / width, 2 / height, 2 / width])


@pytest.mark.parametrize(("name", "node", "channels", "cells"), TORCHVISION, ids=lambda value: str(value))
def test_the_last_grid_of_a_torchvision_network_is_found(name, node, channels, cells) -> None:
    check(GridEncoder(small(name)), node, channels, cells)


@pytest.mark.parametrize(("name", "node", "channels", "cells"), TIMM, ids=lambda value: str(value))
def test_the_last_grid_of_a_timm_network_is_found(name, node, channels, cells) -> None:
    import timm

    model = vgg(timm.create_model, name) if name == "vgg11" else timm.create_model(name).eval()
    check(GridEncoder(model), node, channels, cells)


class Network(nn.Module):
    """Features, then a head that scores classes in one of the ways that networks do."""

    def __init__(self, *head: nn.Module, norm: bool = False, shortcut: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 8, 8), nn.ReLU(inplace=True), nn.Conv2d(6, 12, 2, 2))
        self.head, self.shortcut = nn.Sequential(*head), shortcut

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.features(image).relu_()
        answer = self.head(features)
        return answer + features.mean(dim=(2, 3)) if self.shortcut else answer


POOLED = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
# head -> the node, its channels. What answers is a convolution in the first five.
HEADS = {
    "convolution, ReLU, pool": ((nn.Dropout(), nn.Conv2d(12, 5, 1), nn.ReLU(inplace=True), *POOLED), "features", 12),
    "convolution, pool": ((nn.Conv2d(12, 5, 1), *POOLED), "features", 12),
    "convolution, mean": ((nn.Conv2d(12, 5, 3), nn.AvgPool2d(12)), "features", 12),
    "layers of a head": ((nn.Conv2d(12, 20, 1), nn.ReLU(), nn.Conv2d(20, 5, 1), *POOLED), "head.1", 20),
    "scores for every pixel": ((nn.Conv2d(12, 5, 1), nn.Upsample(224, mode="bilinear")), "features", 12),
    "matrix behind a pool": ((*POOLED, nn.Linear(12, 5)), "features", 12),
    "matrix over all cells": ((nn.Flatten(), nn.Linear(12 * 14 * 14, 5)), "features", 12),
    "convolution behind a pool": ((nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 5, 1), nn.Flatten()), "features", 12),
    "features with a norm, no classifier": ((nn.Conv2d(12, 5, 1), nn.BatchNorm2d(5), nn.ReLU(), *POOLED), "head.2", 5),
    "a grid of its own": ((nn.Conv2d(12, 5, 1),), "head", 5),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_grid_is_what_the_answering_layer_reads(name) -> None:
    head, node, channels = HEADS[name]
    encoder = GridEncoder(Network(*head).eval())
    assert (encoder.node, encoder.channels) == (node, channels)


def test_a_last_convolution_beside_a_shortcut_makes_features() -> None:
    head = (nn.Conv2d(12, 12, 1), *POOLED)
    assert GridEncoder(Network(*head, shortcut=True).eval()).node == "head.0"
    assert GridEncoder(Network(*head).eval()).node == "features"


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_squeezenets_grid_is_one_of_features_not_of_class_scores(name) -> None:
    model = load_cnn(name)
    encoder, image = GridEncoder(model), torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(encoder.grid(image), model.features(image))
        assert encoder.grid(image).shape == (1, 512, 13, 13)


@pytest.mark.parametrize("name", ["nf_regnet_b0", "test_efficientnet", "mobilenetv3_small_050", "regnety_002"])
def test_timms_networks_without_a_classifier_have_the_same_grid(name) -> None:
    import timm

    with_classifier, without = (GridEncoder(timm.create_model(name, num_classes=n).eval()) for n in (10, 0))
    assert (with_classifier.node, with_classifier.channels) == (without.node, without.channels)


def test_a_network_that_scores_pixels_gives_the_features_it_scores_by() -> None:
    # fcn_resnet50 with one block in a stage
    resnet = ResNet(Bottleneck, [1, 1, 1, 1], replace_stride_with_dilation=[False, True, True])
    model = _fcn_resnet(resnet, 21, None).eval()
    encoder = GridEncoder(model)  # it returns a dict; the layer before its class scores is a Dropout
    assert (encoder.node, encoder.channels) == ("classifier.2", 512)


@pytest.mark.parametrize(
    ("name", "node", "shape"),
    [
        ("vgg16", "features.29", (512, 14, 14)),  # the article's 14 x 14
        ("resnet50", "layer3", (1024, 14, 14)),
        ("resnet50", "layer4", (2048, 7, 7)),
    ],
)
def test_a_named_node_gives_the_grid_the_lesson_speaks_of(name, node, shape) -> None:
    with torch.no_grad():
        assert GridEncoder(small(name), node).grid(torch.rand(1, 3, 224, 224)).shape == (1, *shape)


def test_the_grid_is_the_networks_own_and_learns() -> None:
    model = load_cnn("resnet18")
    image = torch.rand(1, 3, 64, 64)
    own = model.layer2(model.layer1(model.maxpool(model.relu(model.bn1(model.conv1(image))))))
    encoder = GridEncoder(model, "layer2")
    grid = encoder.grid(image)
    assert torch.equal(grid, own)
    grid.sum().backward()
    assert model.conv1.weight.grad is not None
    assert model.fc.weight.grad is None
    assert not model.layer2._forward_hooks  # nothing stays behind


def test_making_an_encoder_leaves_the_model_as_it_was() -> None:
    model = torchvision.models.resnet18().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    GridEncoder(model)
    assert model.training
    assert model.layer1.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_vision_transformer_is_told_where_it_belongs() -> None:
    with pytest.raises(ValueError, match=r"looks like a Vision Transformer\. Use vit_from_timm"):
        GridEncoder(torchvision.models.VisionTransformer(224, 16, 1, 2, 64, 64).eval())


def as_many_channels_as_rows() -> nn.Module:
    """(B, 14, 14, 14) from both its layers, the channels second and then last."""
    return nn.Sequential(nn.Conv2d(3, 14, 16, stride=16), torchvision.ops.Permute([0, 2, 3, 1])).eval()


def test_as_many_channels_as_rows_are_told_apart_by_a_wider_picture() -> None:
    assert GridEncoder(as_many_channels_as_rows(), "0").channels == 14


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: GridEncoder("resnet18"), TypeError, r"is a str; expected an nn\.Module"),
        (lambda: GridEncoder(load_cnn("resnet18"), "layer5"), ValueError, "did you mean 'layer4'"),
        (
            lambda: GridEncoder(nn.Sequential(nn.AvgPool2d(56), nn.Conv2d(3, 4, 4), nn.Flatten()).eval(), "1"),
            ValueError,
            "with H = W > 1",
        ),
        (lambda: GridEncoder(load_cnn("resnet18"), "fc"), ValueError, r"gives shape \(1, 1000\)"),
        (lambda: GridEncoder(load_cnn("resnet18"), "avgpool"), ValueError, "pools every picture to one size"),
        (lambda: GridEncoder(tiny_swin().eval(), "norm"), ValueError, "its channels second"),
        (lambda: GridEncoder(as_many_channels_as_rows(), "1"), ValueError, r"looks like \(B, H, W, C\)"),
    ],
)
def test_a_model_that_gives_no_grid_is_refused(make, error, words) -> None:
    with pytest.raises(error, match=words):
        make()


ENCODER = GridEncoder(load_cnn("resnet18"))


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), TypeError, r"uint8.*float\(\) / 255"),
        (torch.full((1, 3, 64, 64), float("nan")), ValueError, "NaN"),
        (torch.rand(1, 64, 64, 3), ValueError, r"channels last.*permute\(0, 3, 1, 2\)"),
        (torch.rand(3, 64, 64), ValueError, r"image\[None\]"),
        (torch.rand(0, 3, 64, 64), ValueError, "empty"),
        (torch.rand(1, 3, 16, 64), ValueError, "at least 32|32 or more|smaller"),
        ([[0.0]], TypeError, "is a list"),
    ],
)
def test_a_bad_picture_is_refused_at_the_door(image, error, words) -> None:
    with pytest.raises(error, match=words):
        ENCODER(image)


def test_a_frozen_encoder_in_training_mode_is_refused() -> None:
    encoder = GridEncoder(load_cnn("resnet18")).requires_grad_(False).train()
    with pytest.raises(ValueError, match=r"call encoder.eval\(\)"):
        encoder(torch.rand(1, 3, 64, 64))
    encoder.eval()(torch.rand(1, 3, 64, 64))
    encoder.requires_grad_(True).train()(torch.rand(2, 3, 64, 64))  # training it is another matter
