"""Against two independent oracles, at corners and in the middle, on a picture whose sides no stride divides."""

import functools

import pytest
import timm
import torchvision
from support.field_oracles import gradient_boxes, positive_twin, sees_exactly
from support.random_weights import randomise

from vlmteach.backbones.weights import Undrawn
from vlmteach.probes import receptive_field

ODD = (141, 117)
ENDPOINTS = {
    "alexnet.features": ["2", "5"],
    "vgg11.features": ["10", "20"],
    "resnet18": ["layer1", "layer2", "layer3"],
    "resnext50_32x4d": ["layer1", "layer2"],  # grouped
    "densenet121": ["features.denseblock1", "features.transition1"],  # concatenations
    "googlenet": ["maxpool1", "inception3a", "inception4a"],  # branches; pooling with ceil_mode
    "inception_v3": ["Mixed_5b", "Mixed_6b.branch7x7dbl_3"],  # branches with 1×7 and 7×1 kernels
    "mobilenet_v2.features": ["4", "7"],  # depthwise
    "shufflenet_v2_x0_5": ["stage2"],  # channel shuffles
    "squeezenet1_0.features": ["7"],
    "convnext_tiny.features": ["1", "2"],
    "timm resnet26d": ["layer2"],  # an average pool in the shortcut: not aligned
    "timm dla34": ["level3"],
    "timm hrnet_w18_small": ["stage2.0.fuse_layers.0.1"],  # upsampling
}
EVEN = (128, 160)
TAKE_MULTIPLES_OF_32_ONLY = ("timm dla34", "timm hrnet_w18_small")
CASES = [(model, layer) for model, layers in ENDPOINTS.items() for layer in layers]


@functools.lru_cache(maxsize=1)  # the cases of one model follow each other
def build(name):
    """A model, its fields, and the size of the picture for which they are."""
    architecture, _, part = name.partition(".")
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with Undrawn():
        if name.startswith("timm "):
            model = timm.create_model(name.removeprefix("timm "))
        else:
            model = getattr(torchvision.models, architecture)(weights=None, **more)
    model = randomise(model.get_submodule(part), scale=0.05)
    size = EVEN if name in TAKE_MULTIPLES_OF_32_ONLY else ODD
    return model, receptive_field(model, size), size


def units(field):
    """A corner, a middle unit and the opposite corner of a map."""
    rows, columns = (axis.count for axis in field._axes)
    return [(0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)]


@pytest.mark.parametrize(("name", "layer"), CASES, scope="module")
def test_the_box_is_where_the_gradient_of_a_positive_linear_twin_is(name, layer):
    model, fields, size = build(name)
    chosen = units(fields[layer])
    boxes = [fields[layer].box(*unit, clip=size) for unit in chosen]
    assert gradient_boxes(positive_twin(model, fields.node(layer)), chosen, size) == boxes


@pytest.mark.parametrize(("name", "layer"), CASES, scope="module")
def test_nan_reaches_a_unit_from_the_edges_of_its_box_and_from_nowhere_else(name, layer):
    model, fields, size = build(name)
    for unit in units(fields[layer])[1:]:
        found = sees_exactly(model, layer, unit, fields[layer].box(*unit, clip=size), size)
        assert found == dict.fromkeys(found, True)


def test_the_oracles_can_tell_a_wrong_box():
    model, fields, _ = build("resnet18")
    top, left, bottom, right = fields["layer1"].box(18, 15, clip=ODD)
    assert sees_exactly(model, "layer1", (18, 15), (top, left, bottom - 1, right), ODD)["nothing outside"] is False
    assert sees_exactly(model, "layer1", (18, 15), (top, left - 1, bottom, right), ODD)["left"] is False
