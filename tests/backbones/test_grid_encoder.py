import pytest
import torch
import torchvision
from torch import nn

from vlmteach.backbones import GridEncoder, load_cnn

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
    ("convnext_atto", "norm_pre", 320, (2, 3)),
    ("vgg11", "features", 512, (2, 3)),
]


def small(name: str) -> nn.Module:
    # VGG's classifier holds 120 million numbers that nothing here uses
    return torchvision.models.vgg16().eval() if name == "vgg16" else load_cnn(name)


def check(encoder: GridEncoder, node: str, channels: int, cells: tuple[int, int]) -> None:
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        grid, visual = encoder.grid(image), encoder(image)
    assert (encoder.node, encoder.channels) == (node, channels)
    assert grid.shape == (2, channels, *cells)
    assert torch.equal(visual.tokens, grid.flatten(2).mT)
    assert visual.prefix == 0
    height, width = cells
    assert visual.boxes[1, width + 1].tolist() == pytest.approx([1 / height, 1 / width, 2 / height, 2 / width])


@pytest.mark.parametrize(("name", "node", "channels", "cells"), TORCHVISION, ids=lambda value: str(value))
def test_the_last_grid_of_a_torchvision_network_is_found(name, node, channels, cells) -> None:
    check(GridEncoder(small(name)), node, channels, cells)


@pytest.mark.parametrize(("name", "node", "channels", "cells"), TIMM, ids=lambda value: str(value))
def test_the_last_grid_of_a_timm_network_is_found(name, node, channels, cells) -> None:
    import timm

    check(GridEncoder(timm.create_model(name).eval()), node, channels, cells)


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
        GridEncoder(torchvision.models.vit_b_16().eval())


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: GridEncoder("resnet18"), TypeError, "is a str; expected a torch module"),
        (lambda: GridEncoder(load_cnn("resnet18"), "layer5"), ValueError, "did you mean 'layer4'"),
        (
            lambda: GridEncoder(nn.Sequential(nn.Flatten(), nn.LazyLinear(3)).eval()),
            ValueError,
            "no module of this model",
        ),
        (lambda: GridEncoder(load_cnn("resnet18"), "fc"), ValueError, r"gives shape \(1, 1000\)"),
        (lambda: GridEncoder(load_cnn("resnet18"), "avgpool"), ValueError, "pools every picture to one size"),
        (lambda: GridEncoder(torchvision.models.swin_t().eval(), "norm"), ValueError, "its channels second"),
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
