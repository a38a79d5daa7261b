"""Each rule on a small network, against NaN put into the picture of the untouched network."""

import pytest
import torch
import torch.nn.functional as F
from support.field_oracles import sees_exactly
from torch import nn

from vlmteach.probes import UnsupportedOperation, receptive_field, register_rule

SIZE = (24, 20)
CONV = nn.Conv2d(3, 4, 3, padding=1)


class Run(nn.Module):
    """A convolution, then a function of its grid; whatever the function needs is a submodule."""

    def __init__(self, function, **parts):
        super().__init__()
        self.first, self.function, self.last = nn.Conv2d(3, 4, 3, padding=1), function, nn.Identity()
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x):
        return self.last(self.function(self, self.first(x)))


LOCAL = {
    "conv, same padding, even kernel": Run(lambda m, x: m.conv(x), conv=nn.Conv2d(4, 4, 4, padding="same")),
    "conv, valid padding": Run(lambda m, x: m.conv(x), conv=nn.Conv2d(4, 4, (2, 5), padding="valid")),
    "conv, depthwise": Run(lambda m, x: m.conv(x), conv=nn.Conv2d(4, 4, 3, stride=2, groups=4)),
    "F.conv2d": Run(lambda m, x: F.conv2d(x, m.conv.weight, stride=(2, 1)), conv=nn.Conv2d(4, 4, (3, 5))),
    "conv_transpose2d": Run(
        lambda m, x: m.conv(x), conv=nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1)
    ),
    "F.conv_transpose2d": Run(
        lambda m, x: F.conv_transpose2d(x, m.conv.weight, stride=2), conv=nn.ConvTranspose2d(4, 4, 2)
    ),
    "transposed, then conv": Run(
        lambda m, x: m.conv(m.up(x)), up=nn.ConvTranspose2d(4, 4, 4, 2, 1), conv=nn.Conv2d(4, 4, 3, stride=1, padding=1)
    ),
    "max pooling, ceil mode": Run(lambda m, x: m.pool(x), pool=nn.MaxPool2d(3, 2, ceil_mode=True)),
    "max pooling, ceil mode, a last window of padding only": Run(
        lambda m, x: m.pool(x), pool=nn.MaxPool2d(2, 3, padding=1, ceil_mode=True)
    ),
    "max pooling with indices": Run(lambda m, x: F.max_pool2d(x, 2, return_indices=True)[0]),
    "average pooling": Run(lambda m, x: F.avg_pool2d(x, (3, 1), stride=2, padding=(1, 0), count_include_pad=False)),
    "power pooling": Run(lambda m, x: m.pool(x), pool=nn.LPPool2d(1, 3, stride=2)),
    "adaptive pooling": Run(lambda m, x: m.pool(x), pool=nn.AdaptiveAvgPool2d((7, 6))),
    "adaptive pooling, rows kept": Run(lambda m, x: F.adaptive_max_pool2d(x, (None, 5))),
    "adaptive pooling with indices": Run(lambda m, x: F.adaptive_max_pool2d(x, 5, return_indices=True)[0]),
    "upsample nearest": Run(lambda m, x: m.up(x), up=nn.Upsample(scale_factor=2)),
    "upsample bilinear": Run(lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    "upsample bicubic": Run(lambda m, x: F.interpolate(x, scale_factor=2, mode="bicubic")),
    "downsample nearest-exact": Run(lambda m, x: F.interpolate(x, scale_factor=0.5, mode="nearest-exact")),
    "to a size": Run(lambda m, x: F.interpolate(x, size=(17, 31), mode="nearest")),
    "to a size, bilinear": Run(lambda m, x: F.interpolate(x, size=(36, 30), mode="bilinear")),
    "to a size, by area": Run(lambda m, x: F.interpolate(x, size=(9, 8), mode="area")),
    "pixel shuffle": Run(lambda m, x: F.pixel_shuffle(x, 2)),
    "pixel unshuffle": Run(lambda m, x: m.down(x), down=nn.PixelUnshuffle(2)),
    "zero padding": Run(lambda m, x: m.conv(m.pad(x)), pad=nn.ZeroPad2d((1, 2, 3, 0)), conv=nn.Conv2d(4, 4, 4)),
    "F.pad": Run(lambda m, x: F.max_pool2d(F.pad(x, (2, 0)), 3)),
    "zero padding by joining rows": Run(
        lambda m, x: F.max_pool2d(
            torch.cat([x.new_zeros(x.shape[0], 4, 2, x.shape[3]), x, x.new_zeros((x.shape[0], 4, 1, 20))], 2), 3
        )
    ),
    "zero padding by joining columns": Run(
        lambda m, x: F.max_pool2d(torch.cat([x.new_ones(x.shape[0], x.shape[1], 24, 2), x], dim=-1), 3)
    ),
    "one row for all": Run(lambda m, x: F.max_pool2d(x - x[:, :, :1], 3)),
    "one column and one row, for all": Run(lambda m, x: x[..., 5:6] + x[:, :, 3:4]),
    "a window over all rows, for all": Run(lambda m, x: x * m.conv(x), conv=nn.Conv2d(4, 4, (24, 1))),
    "narrow from the end": Run(lambda m, x: x.narrow(2, -9, 9).narrow(3, -9, 5)),
    "slice": Run(lambda m, x: x[:, 1:, 1::2, 2:]),
    "slice with ellipsis": Run(lambda m, x: x[..., ::3]),
    "patches by slices": Run(lambda m, x: torch.cat([x[:, :, 0::2, 1::2], x[:, :, 1::2, 0::2]], dim=1)),
    "space-wise stack and sum": Run(lambda m, x: torch.stack([x, F.relu(x)], dim=1).sum(dim=1)),
    "split and concatenate": Run(
        lambda m, x: torch.cat((m.conv(x.chunk(2, dim=1)[0]), torch.split(x, [1, 3], dim=1)[1]), 1),
        conv=nn.Conv2d(2, 2, 5, padding=2),
    ),
    "channel shuffle": Run(
        lambda m, x: x.view(x.shape[0], 2, 2, x.size(2), x.size(-1)).transpose(1, 2).reshape(x.shape)
    ),
    "channels last and back": Run(
        lambda m, x: m.linear(m.norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2),
        norm=nn.LayerNorm(4),
        linear=nn.Linear(4, 4),
    ),
    "tokens and back": Run(
        lambda m, x: m.linear(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape), linear=nn.Linear(4, 4)
    ),
    "spatial attention by channel statistics": Run(
        lambda m, x: x * torch.sigmoid(m.conv(torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], dim=1))),
        conv=nn.Conv2d(2, 1, 7, padding=3),
    ),
    "pointwise operations": Run(
        lambda m, x: torch.where(x.sigmoid() > 2, x, F.silu(x) * 2 + 1).clamp(-3, 3).pow(2).softmax(dim=1)
    ),
    "merge of two dilations": Run(
        lambda m, x: m.one(x) + m.two(x),
        one=nn.Conv2d(4, 4, 3, padding=1),
        two=nn.Conv2d(4, 4, 3, padding=2, dilation=2),
    ),
    "instance norm with running statistics": Run(
        lambda m, x: F.instance_norm(x, torch.zeros(4), torch.ones(4), None, None, False)
    ),
    "a matrix over channels": Run(lambda m, x: (m.mix.weight @ x.flatten(2)).reshape(x.shape), mix=nn.Linear(4, 4)),
    "a matrix on the right": Run(
        lambda m, x: torch.matmul(x.flatten(2).transpose(1, 2), m.mix.weight).transpose(1, 2).reshape(x.shape),
        mix=nn.Linear(4, 4),
    ),
    "the length of a pooled map is only a number": Run(lambda m, x: x * x.mean((2, 3)).shape[1]),
    "frozen batch norm function": Run(lambda m, x: F.batch_norm(x, torch.zeros(4), torch.ones(4))),
    "local response": Run(lambda m, x: m.norm(x), norm=nn.LocalResponseNorm(3)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", LOCAL)
def test_local_operations_see_exactly_their_box(name):
    torch.manual_seed(0)
    model = LOCAL[name].eval()
    field = receptive_field(model, SIZE)["last"]
    assert (field.reach, field.because) == ("local", None)
    rows, columns = (axis.count for axis in field._axes)
    for unit in [(rows // 2, columns // 2), (rows // 2 - 1, columns // 2 + 1), (rows - 2, columns - 2)]:
        found = sees_exactly(model, "last", unit, field.box(*unit, clip=SIZE), SIZE)
        assert found == dict.fromkeys(found, True), f"unit {unit}"


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", LOCAL)
def test_the_number_of_units_is_that_of_the_real_map(name):
    model = LOCAL[name].eval()
    field = receptive_field(model, SIZE)["last"]
    output = model(torch.zeros(1, 3, *SIZE))
    assert tuple(axis.count for axis in field._axes) == tuple(output.shape[2:])


@pytest.mark.parametrize(
    ("scaling", "rows_seen"),
    [
        ({"scale_factor": 3, "mode": "bilinear"}, [3, 4]),
        ({"scale_factor": 3, "mode": "bicubic"}, [3, 6]),
        ({"size": (47, 39), "mode": "bilinear", "align_corners": True}, [3, 4]),
    ],
)
def test_interpolation_on_a_unit_reads_that_unit_alone(scaling, rows_seen):
    # By gradient: torch also multiplies neighbours by 0 there, which NaN would show and no finite number does.
    model = Run(lambda m, x: F.interpolate(x, **scaling)).double()
    field = receptive_field(model, SIZE)["last"]
    found = set()
    for unit in range(20, 24):
        picture = torch.rand(1, 3, *SIZE, requires_grad=True, dtype=torch.float64)
        model(picture)[0, 0, unit, 10].backward()
        rows = (picture.grad[0].abs().sum(dim=0) > 1e-9).any(dim=1).nonzero()  # 7.5 / 3 - 0.5 is 2, almost
        assert field.box(unit, 10)[::2] == (int(rows[0]), int(rows[-1]) + 1)
        found.add(len(rows))
    assert sorted(found) == rows_seen


@pytest.mark.parametrize(
    "widen",
    [
        Run(lambda m, x: m.conv(x), conv=nn.Conv2d(4, 6, 3)),
        Run(lambda m, x: F.conv2d(x, m.conv.weight), conv=nn.Conv2d(4, 6, 3)),
        Run(lambda m, x: m.conv(x), conv=nn.ConvTranspose2d(4, 6, 3)),
        Run(lambda m, x: F.conv_transpose2d(x, m.conv.weight, groups=2), conv=nn.ConvTranspose2d(4, 3, 3)),
        Run(lambda m, x: m.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), linear=nn.Linear(4, 6)),
    ],
)
def test_the_number_of_channels_is_known_where_a_reshape_needs_it(widen):
    # As in torchvision's ViT: the tokens' number depends on the picture, the number of channels is written down.
    class Tokens(nn.Module):
        def forward(self, x):
            return x.reshape(x.shape[0], 6, x.shape[2] * x.shape[3]).permute(0, 2, 1)

    assert receptive_field(nn.Sequential(widen, Tokens()))["1"].reach == "local"


GLOBAL = {
    "GroupNorm": (Run(lambda m, x: m.norm(x), norm=nn.GroupNorm(2, 4)), "GroupNorm at norm"),
    "squeeze by a window": (
        Run(lambda m, x: x * m.fc(F.avg_pool2d(x, x.shape[2:])).sigmoid(), fc=nn.Conv2d(4, 4, 1)),
        "a merge with one unit that sees the whole picture at mul",
    ),
    "InstanceNorm": (Run(lambda m, x: m.norm(x), norm=nn.InstanceNorm2d(4)), "InstanceNorm at norm"),
    "LayerNorm over space": (
        Run(lambda m, x: m.norm(x), norm=nn.LayerNorm([4, 24, 20])),
        "LayerNorm over rows and columns at norm",
    ),
    "BatchNorm without statistics": (
        Run(lambda m, x: m.norm(x), norm=nn.BatchNorm2d(4, track_running_stats=False)),
        "BatchNorm without running statistics at norm",
    ),
    "squeeze and excite": (
        Run(lambda m, x: x * torch.sigmoid(m.fc(F.adaptive_avg_pool2d(x, 1))), fc=nn.Conv2d(4, 4, 1)),
        "global pooling at adaptive_avg_pool2d",
    ),
    "ECA": (
        Run(
            lambda m, x: (
                x * m.conv(x.mean((2, 3)).view(x.shape[0], 1, -1)).view(x.shape[0], -1, 1, 1).sigmoid().expand_as(x)
            ),
            conv=nn.Conv1d(1, 1, 3, padding=1),
        ),
        "mean over rows and columns at mean",
    ),
    "the earliest of two, whatever the order of the product": (
        Run(
            lambda m, x: (lambda early, late: late * early)(m.norm(x), x.mean((2, 3), keepdim=True)),
            norm=nn.GroupNorm(2, 4),
        ),
        "GroupNorm at norm",
    ),
    "strip pooling": (Run(lambda m, x: x * x.mean(dim=3, keepdim=True)), "mean over columns at mean"),
    "strip pooling, adaptive": (
        Run(lambda m, x: x * F.adaptive_avg_pool2d(x, (None, 1))),
        "global pooling at adaptive_avg_pool2d",
    ),
    "the statistics of this picture": (
        Run(lambda m, x: F.batch_norm(x, None, None, training=True)),
        "batch_norm with the statistics of this picture at batch_norm",
    ),
    "instance_norm": (Run(lambda m, x: F.instance_norm(x)), "instance_norm at instance_norm"),
    "group_norm": (Run(lambda m, x: F.group_norm(x, 2)), "group_norm at group_norm"),
    "a matrix over positions": (
        Run(lambda m, x: m.mix.weight @ x.flatten(2).transpose(1, 2), mix=nn.Linear(480, 480)),
        "a full connection over tokens at matmul",
    ),
    "softmax over space": (
        Run(lambda m, x: x.flatten(2).softmax(dim=-1).view(x.shape)),
        "softmax over tokens at softmax",
    ),
    "mixer": (
        Run(lambda m, x: x.flatten(2) + m.mix(x.flatten(2)), mix=nn.Linear(480, 480)),
        "a full connection over tokens at mix",
    ),
    "attention": (
        Run(lambda m, x: F.scaled_dot_product_attention(*[x.flatten(2).transpose(1, 2)] * 3)),
        "attention at scaled_dot_product_attention",
    ),
    "attention by hand": (
        Run(lambda m, x: (x.flatten(2).transpose(1, 2) @ x.flatten(2)).softmax(-1) @ x.flatten(2).transpose(1, 2)),
        "attention at matmul",
    ),
    "non-local block with residual": (
        Run(
            lambda m, x: x + m.attend(*[x.flatten(2).transpose(1, 2)] * 3)[0].transpose(1, 2).reshape(x.shape),
            attend=nn.MultiheadAttention(4, 1, batch_first=True),
        ),
        "attention at attend",
    ),
    "transformer layer": (
        Run(
            lambda m, x: m.layer(x.flatten(2).transpose(1, 2)),
            layer=nn.TransformerEncoderLayer(4, 1, 8, batch_first=True),
        ),
        "attention at layer",
    ),
}


@pytest.mark.parametrize("name", GLOBAL)
def test_operations_over_space_are_global_and_named(name):
    model, because = GLOBAL[name]
    field = receptive_field(model, SIZE)["last"]
    assert (field.reach, field.because) == ("global", f"{because} (in Run)")
    assert field.box(0, 0, clip=SIZE) == (0, 0, *SIZE)


@pytest.mark.parametrize(
    "name", ["squeeze and excite", "squeeze by a window", "GroupNorm", "non-local block with residual"]
)
def test_global_maps_really_hear_from_the_far_corner(name):
    torch.manual_seed(0)
    model = GLOBAL[name][0].eval()
    picture = torch.zeros(1, 3, *SIZE)
    far = picture.clone()
    far[..., 0, 0] = torch.nan
    assert model(far)[0, :, -1, -1].isnan().any()


def test_rows_of_zeros_are_padding_though_their_width_is_that_of_the_unknown_picture():
    field = receptive_field(Run(lambda m, x: torch.cat([torch.zeros(1, 4, 2, x.shape[3]), x], dim=2)))["last"]
    assert (field.size, field.padding, field.reach) == ((3, 3), (3, 1), "local")


NEEDS_SIZE = {
    "adaptive pooling": Run(lambda m, x: F.adaptive_avg_pool2d(x, 3)),
    "interpolation to a size": Run(lambda m, x: F.interpolate(x, size=9)),
    "to the size of another map": Run(lambda m, x: F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:])),
    "aligned corners": Run(lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)),
    "one row for all": Run(lambda m, x: x - x[:, :, :1]),
    "a window as large as the map": Run(lambda m, x: x + F.avg_pool2d(x, x.shape[2:])),
    "as much padding as the map is long": Run(lambda m, x: torch.cat([x.new_zeros(x.shape), x], dim=2)),
}


@pytest.mark.parametrize("name", NEEDS_SIZE)
def test_what_depends_on_the_size_says_so_and_so_does_what_follows(name):
    model = nn.Sequential(NEEDS_SIZE[name], nn.Conv2d(4, 4, 3), nn.ReLU())
    field = receptive_field(model)["2"]
    assert field.reach == "unknown"
    assert field.because.startswith("needs input_size: ")
    known = receptive_field(model, SIZE)["2"]
    assert known.reach != "unknown"
    assert None not in (known.size, known.stride)


REFUSED = {
    "unknown module": (Run(lambda m, x: m.pool(x), pool=nn.FractionalMaxPool2d(2, 3)), "FractionalMaxPool2d 'pool'"),
    "unknown function": (Run(lambda m, x: torch.renorm(x, 2, 0, 1.0)), "torch.renorm"),
    "unknown method": (Run(lambda m, x: x.renorm(2, 0, 1.0)), "Tensor.renorm"),
    "positions in another order": (Run(lambda m, x: m.first2(x.transpose(2, 3)), first2=nn.Conv2d(4, 4, 1)), "first2"),
    "joining along rows": (Run(lambda m, x: torch.cat([x, x], dim=2)), "joins maps along rows"),
    "joining what nobody knows the size of": (
        Run(lambda m, x: torch.cat([x, x.new_zeros(x.shape).cos()], dim=2)),
        "tensor of unknown size along rows",
    ),
    "a kernel from the picture": (Run(lambda m, x: F.conv2d(x, x)), "computed from the picture"),
    "outputs without input": (
        Run(lambda m, x: m.up(x), up=nn.ConvTranspose2d(4, 4, 1, stride=2)),
        "leaves outputs without any input",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rule_is_refused_with_node_operation_and_remedy(name):
    model, words = REFUSED[name]
    with pytest.raises(UnsupportedOperation, match="register_rule") as refusal:
        receptive_field(model, SIZE)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith("Node '")


def test_a_registered_rule_is_used(monkeypatch):
    from vlmteach.probes.receptive_field.rules import registry

    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))

    @register_rule(torch.roll)
    def roll(field, shifts, dims):
        return field.everywhere("torch.roll")

    field = receptive_field(Run(lambda m, x: torch.roll(x, 1, 2)))["last"]
    assert field.because == "torch.roll at roll (in Run)"


class Branching(nn.Module):
    """Code that torch.fx cannot follow; as one step with a rule it need not."""

    def forward(self, x):
        return x[..., 1:] if x.shape[-1] % 2 else x


def test_a_rule_for_a_module_class_makes_it_one_step(monkeypatch):
    from vlmteach.probes.receptive_field.rules import registry

    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    register_rule(Branching)(lambda module, field: field)
    assert receptive_field(nn.Sequential(nn.Conv2d(3, 3, 5), Branching()))["1"].size == (5, 5)


def test_only_operations_can_have_rules():
    with pytest.raises(TypeError, match="nothing to register"):
        register_rule(3)
