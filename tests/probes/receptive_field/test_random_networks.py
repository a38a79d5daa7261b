"""Random networks of random operations on random pictures: the box is where the gradient of a positive twin is."""

import math

import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from vlmteach.probes import receptive_field


class Step(nn.Module):
    """A function of a grid, with a name for the failure's report."""

    def __init__(self, name, function):
        super().__init__()
        self.name, self.function = name, function

    def forward(self, x):
        return self.function(x)

    def extra_repr(self):
        return self.name


def mix(channels, kernel=1, **options):
    """A convolution with positive weights: it mixes all channels."""
    layer = nn.LazyConv2d(channels, kernel, bias=False, **options)
    return layer


def cells(x, size):
    """Squares become channels, by hand."""
    batch, channels, height, width = x.shape
    x = x[:, :, : height // size * size, : width // size * size]
    x = x.reshape(batch, channels, height // size, size, width // size, size).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(batch, -1, height // size, width // size)


def squares(x, size):
    """Channels become squares, by hand."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels // size**2, size, size, height, width).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(batch, channels // size**2, height * size, width * size)


def same_padded(x, kernel, stride):
    """TensorFlow's SAME padding as people write it."""
    pads = []
    for side in (x.shape[-1], x.shape[-2]):
        missing = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        pads += [missing // 2, missing - missing // 2]
    return F.pad(x, pads) if any(pads) else x


def window_means(x, size):
    """Attention without weights: each unit gets the mean of its window of size x size units."""
    batch, channels, height, width = x.shape
    x = F.pad(x, (0, -width % size, 0, -height % size))
    rows, columns = x.shape[2] // size, x.shape[3] // size
    x = x.permute(0, 2, 3, 1).reshape(batch, rows, size, columns, size, channels).transpose(2, 3)
    x = x.reshape(batch * rows * columns, size * size, channels)
    x = (x @ x.transpose(1, 2)).mul(0).add(1 / size**2) @ x
    x = x.reshape(batch, rows, columns, size, size, channels).transpose(2, 3)
    return x.reshape(batch, rows * size, columns * size, channels).permute(0, 3, 1, 2)[:, :, :height, :width]


small = st.integers(1, 3)
convolution = st.builds(
    lambda kernel, stride, padding: Step(
        f"conv {kernel} {stride} {padding}",
        mix(4, kernel, stride=tuple(map(min, stride, kernel)), padding=tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))),
    ),
    st.tuples(small, small), st.tuples(small, small), st.tuples(small, small),
)  # fmt: skip
local = st.one_of(
    convolution,
    st.builds(lambda k, s: Step(f"same {k} {s}", nn.Sequential(Step("pad", lambda x: same_padded(x, max(k, s), s)), mix(4, max(k, s), stride=s))), small, small),
    st.builds(lambda k: Step(f"average {k}", nn.AvgPool2d(k, ceil_mode=False)), st.integers(1, 2)),
    st.builds(lambda k: Step(f"transposed {k}", nn.LazyConvTranspose2d(4, k + 1, stride=k, padding=k // 2, bias=False)), st.integers(1, 2)),
    st.builds(lambda size: Step(f"cells {size}", nn.Sequential(Step("cut", lambda x: cells(x, size)), mix(4))), st.integers(1, 3)),
    st.builds(lambda size: Step(f"squares {size}", nn.Sequential(mix(2 * size**2), Step("put", lambda x: squares(x, size)))), st.integers(1, 2)),
    st.builds(lambda size: Step(f"windows {size}", lambda x: window_means(x, size)), st.integers(1, 3)),
    st.builds(lambda size: Step(f"adaptive {size}", nn.AdaptiveAvgPool2d(size)), st.tuples(st.integers(2, 9), st.integers(2, 9))),
    st.builds(lambda size: Step(f"nearest {size}", lambda x: F.interpolate(x, size=size)), st.tuples(st.integers(2, 25), st.integers(2, 25))),
    st.builds(lambda f: Step(f"bilinear {f}", lambda x: F.interpolate(x, scale_factor=f, mode="bilinear")), st.sampled_from([2, 1.5, 2.05, 3])),
    st.builds(lambda f: Step(f"corners {f}", lambda x: F.interpolate(x, scale_factor=f, mode="bilinear", align_corners=True)), st.sampled_from([2, 1.3])),
    st.builds(lambda by: Step(f"flip {by}", lambda x: x.flip(by)), st.sampled_from([2, 3, (2, 3)])),
    st.builds(lambda by: Step(f"sum {by}", lambda x: x.cumsum(by)), st.sampled_from([2, 3])),
    st.builds(lambda by: Step(f"repeat {by}", lambda x: x.repeat_interleave(2, dim=by)), st.sampled_from([2, 3])),
    st.builds(lambda a, b: Step(f"crop {a} {b}", lambda x: x[..., a:, : x.shape[-1] - b]), st.integers(0, 2), st.integers(0, 2)),
    st.builds(lambda k: Step(f"fold {k}", lambda x: F.fold(F.unfold(x, k), x.shape[2:], k)), st.integers(1, 3)),
)  # fmt: skip
with_holes = st.one_of(
    local,
    st.builds(lambda by, dim: Step(f"roll {by} {dim}", lambda x: x.roll(by, dim)), st.integers(-3, 3), st.sampled_from([2, 3])),
    st.builds(lambda d: Step(f"dilated {d}", mix(4, 3, dilation=d, padding=d)), st.integers(2, 3)),
    st.builds(lambda s: Step(f"every {s}", lambda x: x[:, :, ::s, 1::s]), st.integers(2, 3)),
    st.builds(lambda n: Step(f"repeat {n}", lambda x: x.repeat(1, 1, n, 1)), st.integers(1, 2)),
)  # fmt: skip


def positive(model, picture):
    """All weights 1 / fan-in, so that no gradient can cancel; None when the picture is too small for the network."""
    try:
        model(picture)  # initialises what is lazy
        for weight in model.parameters():
            nn.init.constant_(weight, 1 / weight[0].numel())
        return model(picture)
    except RuntimeError:
        return None


def seen_of(output, picture, unit):
    """Which pixels have a gradient, from one unit with all its channels."""
    (gradient,) = torch.autograd.grad(output[0, :, unit[0], unit[1]].sum(), picture, retain_graph=True)
    return gradient[0].abs().sum(dim=0) > 1e-12


def some_units(output, draw):
    height, width = output.shape[2:]
    return [(0, 0), (height - 1, width - 1), (draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1)))]


@settings(deadline=None, max_examples=150)
@given(
    steps=st.lists(local, min_size=1, max_size=4),
    sides=st.tuples(st.integers(6, 17), st.integers(6, 17)),
    data=st.data(),
)
def test_the_box_is_exact(steps, sides, data):
    model = nn.Sequential(mix(4, 3, padding=1), *steps).double().eval()
    picture = torch.ones(1, 2, *sides, dtype=torch.float64, requires_grad=True)
    output = positive(model, picture)
    assume(output is not None and 0 not in output.shape)
    field = receptive_field(model, sides)["output"]
    assert tuple(axis.count for axis in field._axes) == tuple(output.shape[2:])
    for unit in some_units(output, data.draw):
        seen = seen_of(output, picture, unit)
        if not seen.any():
            continue  # a window that lies in the padding alone
        rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
        box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        assert field.box(*unit, clip=sides) == box, unit


@settings(deadline=None, max_examples=100)
@given(
    steps=st.lists(with_holes, min_size=1, max_size=4),
    sides=st.tuples(st.integers(6, 17), st.integers(6, 17)),
    data=st.data(),
)
def test_nothing_outside_the_box_is_seen(steps, sides, data):
    model = nn.Sequential(mix(4, 3, padding=1), *steps).double().eval()
    picture = torch.ones(1, 2, *sides, dtype=torch.float64, requires_grad=True)
    output = positive(model, picture)
    assume(output is not None and 0 not in output.shape)
    try:
        field = receptive_field(model, sides)["output"]
    except ValueError as refusal:
        assert "moved round the end" in str(refusal)  # cells of a rolled map
        return
    for unit in some_units(output, data.draw):
        seen = seen_of(output, picture, unit)
        if seen.any():
            top, left, bottom, right = field.box(*unit, clip=sides)
            seen[top:bottom, left:right] = False
            assert not seen.any(), unit
