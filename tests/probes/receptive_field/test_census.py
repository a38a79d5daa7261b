"""Every classification network of torchvision: a right answer, or a clear error."""

import pytest
import torch
import torchvision
from support.field_oracles import full_depth_rows
from torchvision.models import list_models, regnet

from vlmteach.backbones.weights import Undrawn
from vlmteach.probes import UnsupportedOperation, receptive_field

LOCAL = [
    "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny", "densenet121", "densenet161",
    "densenet169", "densenet201", "googlenet", "inception_v3", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0",
    "mnasnet1_3", "mobilenet_v2", "regnet_x_16gf", "regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf",
    "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
    "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "vgg11", "vgg11_bn", "vgg13",
    "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "wide_resnet101_2", "wide_resnet50_2",
]  # fmt: skip
# Squeeze-and-excitation makes these global; the windows of their convolutions are checked all the same.
GLOBAL = [
    "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5",
    "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l", "efficientnet_v2_m", "efficientnet_v2_s",
    "mobilenet_v3_large", "mobilenet_v3_small", "regnet_y_128gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf",
    "regnet_y_3_2gf", "regnet_y_400mf", "regnet_y_800mf", "regnet_y_8gf",
]  # fmt: skip
TRANSFORMERS = ["vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32"]
REFUSED = {
    "maxvit_t": "reshapes (rows, columns) into 4 axes",
    **dict.fromkeys(["swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t"], "shifted_window_attention"),
}


@pytest.fixture
def build(monkeypatch):
    """Networks without weights: only their structure is needed."""
    make_blocks = regnet.BlockParams.from_init_params.__func__

    def on_cpu(cls, *args, **kwargs):  # RegNet computes its widths with tensors and reads them
        with torch.device("cpu"):
            return make_blocks(cls, *args, **kwargs)

    monkeypatch.setattr(regnet.BlockParams, "from_init_params", classmethod(on_cpu))

    def build(name):
        more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        with torch.device("meta"), Undrawn():
            return torchvision.models.get_model(name, weights=None, **more)

    return build


def test_no_network_is_forgotten():
    assert sorted([*LOCAL, *GLOBAL, *TRANSFORMERS, *REFUSED]) == sorted(list_models(torchvision.models))


@pytest.mark.parametrize("name", [*LOCAL, *GLOBAL])
def test_each_cnn_sees_over_its_full_depth_what_a_one_channel_twin_sees(build, name):
    model = build(name)
    node, field = [(node, field) for node, field in receptive_field(model).items() if field.size is not None][-1]
    assert field.reach == ("local" if name in LOCAL else "global")
    assert field.size[0] == field.size[1]
    row = field.padding[0] // field.stride[0] + 3  # a unit whose window lies in the picture
    top = row * field.stride[0] - field.padding[0]
    bottom = top + field.size[0]
    picture = (bottom + 3 * field.stride[0], 96)
    assert full_depth_rows(model, node, picture, row) == (top, bottom)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_each_vision_transformer_is_global_by_attention(build, name):
    field = receptive_field(build(name))["encoder"]
    patch = int(name[-2:])
    assert (field.reach, field.size, field.stride) == ("global", (patch, patch), (patch, patch))
    assert field.because.startswith("attention at encoder.layers.encoder_layer_0")


@pytest.mark.parametrize("name", REFUSED)
def test_each_network_that_cannot_be_followed_says_where(build, name):
    with pytest.raises(UnsupportedOperation, match="Node '") as refusal:
        receptive_field(build(name))
    assert REFUSED[name] in str(refusal.value)
