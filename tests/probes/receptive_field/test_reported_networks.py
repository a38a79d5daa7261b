"""Networks that people have asked about in public, with the values that a NaN, a gradient or an identity gives."""

import copy
import functools
import itertools

import pytest
import timm
import torch
import torchvision
from timm.layers import SpaceToDepth
from timm.utils import reparameterize_model
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, spectral_norm

from vlmteach.backbones.weights import Undrawn
from vlmteach.probes import UnsupportedOperation, receptive_field


def on_meta(make, *args, **kwargs):
    with torch.device("meta"), Undrawn():
        return make(*args, **kwargs)


def rows_seen(model: nn.Module, side: int, unit: tuple[int, int]) -> tuple[int, int]:
    """(first, after the last) row of the picture that reaches a unit, by the gradient of a network made positive."""
    twin = copy.deepcopy(model).double().eval().requires_grad_(False)
    for name, parameter in twin.named_parameters():
        value = 1 / parameter[0].numel() if parameter.ndim > 1 else float(name.endswith("weight"))
        nn.init.constant_(parameter, value)
    picture = torch.full((1, 3, side, side), 1e-3, dtype=torch.float64, requires_grad=True)
    twin(picture)[0, :, unit[0], unit[1]].sum().backward()
    rows = (picture.grad != 0).any(dim=(0, 1, 3)).nonzero().flatten()
    return int(rows[0]), int(rows[-1]) + 1


@pytest.mark.parametrize(
    ("factor", "size", "starts"),
    [((2.05, 3.15), (4, 2), [0, 0, 1, 1, 2, 2, 3, 3]), (1.1, (9, 9), list(range(9)))],
    ids=["twice as large", "as large as before"],
)
def test_nearest_by_a_factor_reads_what_torch_reads(factor, size, starts):
    up = nn.Sequential(nn.Upsample(scale_factor=factor))
    numbers = torch.arange(float(size[0]))[:, None].expand(1, 1, *size)
    field = receptive_field(up, size)["0"]

    assert [field.box(row, 0)[0] for row in range(len(starts))] == starts
    assert up(numbers)[0, 0, :, 0].tolist() == starts


def test_aligned_corners_by_a_factor_are_those_by_size():
    aligned = {"mode": "bilinear", "align_corners": True}
    by_factor, by_size = (
        receptive_field(nn.Sequential(nn.Upsample(**asked, **aligned)), (24, 20))["0"]
        for asked in ({"scale_factor": 2}, {"size": (48, 40)})
    )

    assert str(by_factor) == str(by_size)
    assert by_factor.size == (2, 2)


def test_same_padding_of_tensorflow_shifts_the_field():
    fields = receptive_field(on_meta(timm.create_model, "tf_efficientnet_b0"), (224, 224))

    assert fields["conv_stem"].box(0, 0) == (0, 0, 3, 3)
    assert (fields["blocks"].size, fields["blocks"].padding) == ((851, 851), (394, 394))


@pytest.mark.parametrize("row", range(4))
def test_the_stem_with_same_padding_sees_what_a_nan_reaches(row):
    stem = timm.create_model("tf_efficientnet_b0").eval().conv_stem
    poked = torch.zeros(1, 3, 224, 224).index_fill(2, torch.tensor(row), torch.nan)

    assert bool(stem(poked)[0, :, 0, 100].isnan().any()) == (row < 3)


@pytest.mark.parametrize("stage", ["blocks.0", "blocks.2", "blocks.4"])
def test_efficientnet_lite_sees_what_a_gradient_reaches(stage):
    model = timm.create_model("tf_efficientnet_lite0").eval()
    part = nn.Sequential(model.conv_stem, model.bn1, *model.blocks[: int(stage[-1]) + 1])
    field = receptive_field(model, (224, 224))[stage]
    cells = 224 // field.stride[0]
    for row in (0, 1, cells // 2, cells - 2, cells - 1):
        top, _, bottom, _ = field.box(row, row, clip=(224, 224))
        assert rows_seen(part, 224, (row, row)) == (top, bottom)


def patch_gan(wrap=lambda convolution: convolution, norm=nn.BatchNorm2d):
    layers, width = [wrap(nn.Conv2d(3, 8, 4, 2, 1)), nn.LeakyReLU(0.2, True)], 8
    for after, stride in ((16, 2), (32, 2), (64, 1)):
        layers += [wrap(nn.Conv2d(width, after, 4, stride, 1)), norm(after), nn.LeakyReLU(0.2, True)]
        width = after
    return nn.Sequential(*layers, wrap(nn.Conv2d(width, 1, 4, 1, 1)))


@pytest.mark.parametrize(
    "wrap",
    [lambda c: c, spectral_norm, parametrizations.spectral_norm, parametrizations.weight_norm],
    ids=["plain", "old spectral norm", "spectral norm", "weight norm"],
)
def test_a_patch_gan_sees_70_pixels_however_its_weights_are_made(wrap):
    field = receptive_field(patch_gan(wrap))["11"]

    assert (field.size, field.stride, field.reach) == ((70, 70), (8, 8), "local")


def test_instance_norm_makes_a_patch_gan_global():
    field = receptive_field(patch_gan(norm=nn.InstanceNorm2d))["11"]

    assert (field.size, field.reach) == ((70, 70), "global")


def test_hooks_of_other_tools_are_not_called_and_stay():
    kept, model = [], torchvision.models.resnet18(weights=None).eval()

    def keep(module, inputs, output):
        kept.append(output.cpu().detach())

    def gradients(module, inputs, output):
        if not output.requires_grad:
            return

    model.layer4[-1].register_forward_hook(keep)
    model.layer4[0].register_forward_hook(gradients)

    assert receptive_field(model)["layer4"].size == (435, 435)
    assert kept == []
    model(torch.zeros(1, 3, 32, 32))
    assert len(kept) == 1


def _watch(module, inputs, output):
    pass


def _padded(hook):
    @functools.wraps(hook)
    def wrapper(module, inputs, output):
        hook(module, inputs, output)
        return F.pad(output, (0, 0, 5, 0))

    return wrapper


def test_of_a_decorated_hook_the_decorator_is_judged():
    watched, changed = nn.Sequential(_conv(3)), nn.Sequential(_conv(3))
    watched[0].register_forward_hook(torch.no_grad()(_watch))
    changed[0].register_forward_hook(_padded(_watch))
    assert receptive_field(watched)["0"].size == (3, 3)
    with pytest.raises(UnsupportedOperation, match="_watch, that may hand back another value"):
        receptive_field(changed)


class _SegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x):
        y, where = self.down(x)
        return self.up(y, where)


def _conv(channels=4, after=4):
    return nn.Conv2d(channels, after, 3, padding=1)


@pytest.mark.parametrize(
    ("model", "last", "size", "stride"),
    [
        (nn.Sequential(_conv(3), nn.ChannelShuffle(2), _conv()), "2", 5, 1),
        (nn.Sequential(_conv(3), nn.GLU(1), _conv(2)), "2", 5, 1),
        (nn.Sequential(_conv(3), _SegNet(), _conv()), "2", 6, 1),
        (nn.Sequential(SpaceToDepth(4), _conv(48)), "1", 12, 4),
        (nn.Sequential(nn.PixelUnshuffle(4), _conv(48)), "1", 12, 4),
    ],
    ids=["ChannelShuffle", "GLU", "MaxUnpool2d", "SpaceToDepth", "PixelUnshuffle"],
)
def test_plain_operations_are_followed(model, last, size, stride):
    field = receptive_field(model, (32, 32))[last]

    assert (field.size, field.stride) == ((size, size), (stride, stride))


@pytest.mark.parametrize(
    "wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")], ids=["DataParallel", "compiled"]
)
def test_a_wrapped_network_is_the_network(wrap):
    assert receptive_field(wrap(torchvision.models.resnet18(weights=None)))["layer4"].size == (435, 435)


def test_a_feature_pyramid_joins_strides():
    pyramid = torchvision.models.detection.backbone_utils.resnet_fpn_backbone(backbone_name="resnet18", weights=None)
    fields = receptive_field(pyramid, (640, 640))
    blocks = [fields[f"fpn.layer_blocks.{level}"] for level in range(4)]

    assert [(block.size[0], block.stride[0]) for block in blocks] == [(467, 4), (467, 8), (467, 16), (499, 32)]
    assert blocks[0].box(80, 81, clip=(640, 640)) == (71, 103, 538, 538)


def test_a_dilated_backbone_sees_what_the_strided_one_sees():
    dilation = {"replace_stride_with_dilation": [False, True, True]}
    strided = receptive_field(on_meta(torchvision.models.resnet50))["layer4"]
    dilated = receptive_field(on_meta(torchvision.models.resnet50, **dilation))["layer4"]

    assert (dilated.size, dilated.stride) == ((427, 427), (8, 8))
    assert all(dilated.box(4 * r, 4 * c) == strided.box(r, c) for r in range(7) for c in range(7))


def test_a_wrongly_dilated_backbone_sees_more():
    wrong = on_meta(torchvision.models.resnet50)
    for stage, rate in ((wrong.layer3, 2), (wrong.layer4, 4)):
        for conv in (module for module in stage.modules() if isinstance(module, nn.Conv2d)):
            conv.stride, conv.dilation = (1, 1), (rate, rate)
            conv.padding = (conv.kernel_size[0] // 2 * rate,) * 2

    assert receptive_field(wrong)["layer4"].size == (475, 475)


class _UNet(nn.Module):
    def __init__(self, widths=(2, 4, 8, 16, 32)):
        super().__init__()

        def double(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU())

        pairs = list(itertools.pairwise(widths))
        self.first = double(3, widths[0])
        self.down = nn.ModuleList(nn.Sequential(nn.MaxPool2d(2), double(a, b)) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
        self.mix = nn.ModuleList(double(2 * a, a) for a in reversed(widths[:-1]))

    def forward(self, x):
        kept = [self.first(x)]
        for down in self.down:
            kept.append(down(kept[-1]))
        y = kept.pop()
        for up, mix in zip(self.up, self.mix, strict=True):
            y = mix(torch.cat([kept.pop(), up(y)], 1))
        return y


def test_a_unit_of_a_u_net_sees_188_or_204_pixels_by_its_phase():
    field = receptive_field(_UNet())["output"]

    assert (field.size, field.aligned) == ((204, 204), False)
    assert field.box(128, 128) == (34, 34, 222, 222)
    assert field.box(129, 131) == (34, 34, 222, 238)


class _Blur(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 3, 3, 1])
        self.pad = nn.ReflectionPad2d((1, 2, 1, 2))
        self.register_buffer("filt", (row[:, None] * row / 64)[None, None].repeat(channels, 1, 1, 1))

    def forward(self, x):
        return F.conv2d(self.pad(x), self.filt, stride=2, groups=x.shape[1])


def test_a_blur_of_even_width_is_not_centred():
    field = receptive_field(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), _Blur(4)))["1"]

    assert (field.size, field.padding, field.border) == ((6, 6), (2, 2), "copies")
    assert field.box(5, 5) == (8, 8, 14, 14)


def test_a_network_and_its_merged_build_see_the_same():
    network = timm.create_model("repvgg_a0").eval()

    assert receptive_field(network)["stages"].size == (535, 535)
    assert receptive_field(reparameterize_model(network))["stages"].size == (535, 535)


def test_quantisable_builds_see_what_the_plain_one_sees():
    network = torchvision.models.quantization.resnet18(weights=None, quantize=False).eval()
    sizes = [receptive_field(network)["layer4"].size]
    network.fuse_model()
    sizes += [receptive_field(network)["layer4"].size, receptive_field(network.bfloat16())["layer4"].size]

    assert sizes == [(435, 435)] * 3


def test_depthwise_bands_and_large_dilations_add_up():
    assert receptive_field(on_meta(timm.create_model, "inception_next_tiny"))["stages"].size == (2792, 2792)
    deeplab = torchvision.models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None)
    assert receptive_field(deeplab, (256, 256))["classifier.0.convs.3"].size == (1003, 1003)


def test_adaptive_pooling_that_makes_a_map_larger_has_two_sizes():
    field = receptive_field(on_meta(torchvision.models.vgg16, weights=None), (200, 200))["avgpool"]

    starts = [(-90, 122), (-90, 154), (-58, 186), (-26, 218), (6, 250), (38, 282), (70, 282)]
    assert [field.box(i, 0)[::2] for i in range(7)] == starts


def test_a_hook_that_hands_back_another_value_is_refused():
    model = torchvision.models.resnet18(weights=None).eval()
    model.layer1.register_forward_hook(lambda module, inputs, output: output * 2)

    with pytest.raises((UnsupportedOperation, ValueError), match="hook"):
        receptive_field(model)
