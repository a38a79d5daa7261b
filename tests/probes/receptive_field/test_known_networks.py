"""The table of known receptive fields, size / stride / padding, and which networks are secretly global."""

import pytest
import torch
import torchvision
from torch import nn

from vlmteach.backbones.weights import Undrawn
from vlmteach.probes import receptive_field

TABLE = [
    ("vgg16", "features.4", 6, 2, 2),  # pool1 … pool4
    ("vgg16", "features.9", 16, 4, 6),
    ("vgg16", "features.16", 44, 8, 18),
    ("vgg16", "features.23", 100, 16, 42),
    ("vgg16", "features.29", 196, 16, 90),  # relu5_3
    ("vgg16", "features.30", 212, 32, 90),  # pool5
    ("alexnet", "features.0", 11, 4, 2),
    ("alexnet", "features.2", 19, 8, 2),
    ("alexnet", "features.5", 67, 16, 18),
    ("alexnet", "features.12", 195, 32, 66),
    ("resnet18", "layer1", 43, 4, 21),
    ("resnet18", "layer2", 99, 8, 49),
    ("resnet18", "layer3", 211, 16, 105),
    ("resnet18", "layer4", 435, 32, 217),
    ("resnet50", "layer1", 35, 4, 17),
    ("resnet50", "layer2", 91, 8, 45),
    ("resnet50", "layer3", 267, 16, 133),
    ("resnet50", "layer4", 427, 32, 213),
    ("resnet50 v1", "layer4", 483, 32, 241),
    ("convnext_tiny", "features", 1688, 32, 828),
]


def build(name):
    with torch.device("meta"), Undrawn():  # no weights are needed
        model = getattr(torchvision.models, name.split()[0])(weights=None)
    if name.endswith("v1"):  # as first published: the stride sits on the first 1×1 convolution
        for block in model.modules():
            if isinstance(block, torchvision.models.resnet.Bottleneck):
                block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return model


@pytest.fixture(scope="module")
def fields():
    return {name: receptive_field(build(name)) for name in {row[0] for row in TABLE}}


@pytest.mark.parametrize(("name", "layer", "size", "stride", "padding"), TABLE)
def test_known_networks_have_their_known_fields(fields, name, layer, size, stride, padding):
    field = fields[name][layer]
    assert (field.size, field.stride, field.padding) == ((size,) * 2, (stride,) * 2, (padding,) * 2)
    assert (field.reach, field.because, field.aligned, field.border) == ("local", None, True, "zeros")


def test_the_box_of_a_unit_follows_from_size_stride_and_padding(fields):
    field = fields["resnet50"]["layer4"]
    assert field.box(0, 3) == (-213, 3 * 32 - 213, -213 + 427, 3 * 32 - 213 + 427)
    assert field.box(0, 3, clip=(224, 224)) == (0, 0, 214, 224)


def test_at_224_pixels_36_of_the_49_last_units_of_resnet50_can_see_the_whole_picture(fields):
    field = fields["resnet50"]["layer4"]
    boxes = [field.box(row, column, clip=(224, 224)) for row in range(7) for column in range(7)]
    assert sum(box == (0, 0, 224, 224) for box in boxes) == 36


GLOBAL = [
    ("torchvision", "efficientnet_b0", "global pooling at features.1.0.block.1.avgpool (in SqueezeExcitation)"),
    ("torchvision", "mobilenet_v3_small", "global pooling at features.1.block.1.avgpool (in SqueezeExcitation)"),
    ("torchvision", "vit_b_32", "attention at encoder.layers.encoder_layer_0.self_attention (in EncoderBlock)"),
    ("timm", "ecaresnet26t", "mean over rows and columns at layer1.0.se (in EcaModule)"),
    ("timm", "convnextv2_atto", "norm over rows and columns at stages.0.blocks.0.mlp.grn (in GlobalResponseNorm)"),
    ("timm", "resnetv2_50x1_bit", "group_norm at stages.0.blocks.0.norm1 (in GroupNormAct)"),
    ("timm", "vit_tiny_patch16_224", "attention at blocks.0.attn (in Attention)"),
]


@pytest.mark.parametrize(("library", "name", "because"), GLOBAL)
def test_secretly_global_networks_name_the_operation(library, name, because):
    import timm

    with torch.device("meta"), Undrawn():
        model = build(name) if library == "torchvision" else timm.create_model(name)
    fields = receptive_field(model)
    reasons = [field.because for field in fields.values()]
    assert next(reason for reason in reasons if reason) == because
    assert {field.reach for field in list(fields.values())[reasons.index(because) :] if field.because} == {"global"}


def test_a_global_map_keeps_the_window_of_its_convolutions():
    fields = receptive_field(build("efficientnet_b0"))
    last = fields["features"]
    assert (last.reach, last.size, last.stride) == ("global", (851, 851), (32, 32))
    assert last.box(3, 3, clip=(224, 200)) == (0, 0, 224, 200)
    with pytest.raises(ValueError, match=r"global because of global pooling.*clip"):
        last.box(3, 3)
    assert fields["features.1.0.block.0"].reach == "local"
    assert fields["avgpool"].size is None


def test_a_fully_connected_layer_is_global_even_while_adaptive_pooling_needs_the_size():
    fields = receptive_field(build("vgg16"))
    assert (fields["avgpool"].reach, fields["avgpool"].size) == ("unknown", None)
    assert fields["avgpool"].because == "needs input_size: adaptive pooling to 7×7"
    assert fields["classifier.0"].because == "a full connection over all positions at classifier.0 (in Sequential)"
    with pytest.raises(ValueError, match="needs input_size"):
        fields["avgpool"].box(0, 0)
    assert receptive_field(build("vgg16"), (224, 224))["avgpool"].size == (212, 212)
    assert receptive_field(build("vgg16"), (448, 448))["avgpool"].size == (244, 244)


class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x):
        return self.conv(x).mean() if self.training else self.conv(x)


def test_what_a_model_does_only_in_training_is_not_described():
    assert receptive_field(Auxiliary().train())["output"].reach == "local"


def test_train_mode_is_left_as_it_was_and_eval_mode_is_described():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    model[2].eval()
    assert receptive_field(model.train())["1"].reach == "local"
    model[2].eval()
    receptive_field(model)
    assert [part.training for part in model] == [True, True, False]
