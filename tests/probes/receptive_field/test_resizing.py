"""Resizing reads what torch reads: shown by the pixels' own numbers in a picture, and by gradients for smooth modes."""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlmteach.probes import receptive_field
from vlmteach.probes.receptive_field.field import Field
from vlmteach.probes.receptive_field.rules.interpolation import interpolate

SIZES = range(1, 145)
PAIRS = [(old, new) for old in SIZES for new in SIZES]  # 20,736
SMOOTH = ("bilinear", "bicubic")


def read_by_pixel_numbers(height, width, **how):
    """For each row and each column of the resized picture the pixel that was read: each pixel holds its own number."""
    numbers = torch.arange(height * width, dtype=torch.float32).reshape(1, 1, height, width)
    resized = F.interpolate(numbers.expand(1, 3, -1, -1), **how)[0, 1].long()
    return (resized[:, 0] // width).tolist(), (resized[0] % width).tolist()


def read_by_gradient(height, width, **how):
    """For each row and each column of the resized picture first and last pixel with a gradient, in double precision."""
    found = []
    new = F.interpolate(torch.zeros(1, 1, height, width, dtype=torch.float64), **how).shape[2:]
    for axis in (0, 1):
        # a picture for each unit
        pictures = torch.zeros(new[axis], 1, height, width, dtype=torch.float64, requires_grad=True)
        lines = F.interpolate(pictures, **how)[:, 0].select(2 - axis, new[1 - axis] // 2)
        lines.diagonal().sum().backward()
        seen = [line.nonzero() for line in pictures.grad[:, 0].abs().sum(dim=2 - axis) > 1e-7]
        found.append([(int(pixels[0]), int(pixels[-1])) for pixels in seen])
    return found


def boxes(axis, old):
    """Both ends of what each row, or column, sees inside the picture: Axis.interval of every unit at once."""
    step, turns = axis.step or 0, -(-axis.count // len(axis.low))
    ends = [
        (q * step + low, q * step + high) for q in range(turns) for low, high in zip(axis.low, axis.high, strict=True)
    ]
    return [(max(low, 0), min(high, old - 1)) for low, high in ends[: axis.count]]


def factors_for(height, width, draw):
    """A factor for the rows and one for the columns: whole, one over a whole number, just above 1 or 2, or any."""
    found = []
    for side in (height, width):
        kinds = [draw.randint(1, 64), 1 / draw.randint(1, 8), 1 + 1 / side, 2 + 1 / side, draw.uniform(0.3, 4)]
        factor = round(draw.choice(kinds), draw.choice([2, 17]))
        found.append(min(max(factor, 1.01 / side), 500 / side))
    return tuple(found)


def in_pairs(numbers, seed):
    """Two different entries each: one for the rows and one for the columns."""
    shuffled = random.Random(seed).sample(numbers, len(numbers))
    return zip(shuffled[::2], shuffled[1::2], strict=True)


@pytest.mark.parametrize("quarter", range(4))
def test_every_size_is_resized_to_every_size_by_torchs_own_arithmetic(quarter):
    for (height, new_height), (width, new_width) in in_pairs(PAIRS[quarter::4], seed=quarter):
        size = (new_height, new_width)
        field = interpolate(Field.of_picture(height, width), size=size)
        rows, columns = read_by_pixel_numbers(height, width, size=size)
        assert boxes(field.rows, height) == [(row, row) for row in rows], (height, size)
        assert boxes(field.columns, width) == [(column, column) for column in columns], (width, size)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("recompute", [None, True])
def test_factors_are_followed_by_torchs_own_arithmetic(mode, recompute):
    draw = random.Random(f"{mode} {recompute}")
    for _ in range(275):  # 2 modes x 2 ways x 275 pictures x 2 axes: 2,200 pairs
        height, width = draw.randint(1, 150), draw.randint(1, 150)
        factors = factors_for(height, width, draw)
        how = {"scale_factor": factors, "mode": mode, "recompute_scale_factor": recompute}
        field = interpolate(Field.of_picture(height, width), **how)
        rows, columns = read_by_pixel_numbers(height, width, **how)
        assert boxes(field.rows, height) == [(row, row) for row in rows], (height, how)
        assert boxes(field.columns, width) == [(column, column) for column in columns], (width, how)


@pytest.mark.parametrize("mode", SMOOTH)
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("by", ["size", "factor"])
def test_smooth_modes_read_what_has_a_weight(mode, corners, by):
    draw = random.Random(f"{mode} {corners} {by}")
    for _ in range(40):
        height, width = draw.randint(1, 24), draw.randint(1, 24)
        how = {"mode": mode, "align_corners": corners}
        if by == "size":
            how["size"] = (draw.randint(1, 50), draw.randint(1, 50))
        else:
            factors = [draw.choice([2, 3, 0.5, 1.1, 2.05, draw.uniform(0.4, 4)]) for _ in range(2)]
            how["scale_factor"] = tuple(max(f, 1.01 / n) for f, n in zip(factors, (height, width), strict=True))
        field = interpolate(Field.of_picture(height, width), **how)
        assert [boxes(field.rows, height), boxes(field.columns, width)] == read_by_gradient(height, width, **how), how


@pytest.mark.parametrize("mode", SMOOTH)
def test_an_antialiased_resize_reads_as_far_as_its_filter(mode):
    for size in [(7, 40), (24, 3), (11, 11), (5, 20)]:
        how = {"size": size, "mode": mode, "antialias": True}
        field = interpolate(Field.of_picture(24, 20), **how)
        assert [boxes(field.rows, 24), boxes(field.columns, 20)] == read_by_gradient(24, 20, **how)


def test_a_factor_between_whole_numbers_may_read_by_index():
    # pytorch/pytorch#121390: index >> 1 when the output is exactly twice the input, whatever the factor says.
    field = receptive_field(nn.Sequential(nn.Upsample(scale_factor=(2.05, 3.15))), (4, 2))["0"]
    assert [field.box(unit, 0)[0] for unit in range(8)] == [0, 0, 1, 1, 2, 2, 3, 3]
    field = receptive_field(nn.Sequential(nn.Upsample(scale_factor=1.1)), (9, 9))["0"]  # 9 pixels stay 9: a copy
    assert [field.box(unit, 0)[0] for unit in range(9)] == list(range(9))


def test_torchs_rule_for_double_size_holds_for_small_maps_only():
    # So torch is asked about the map as a whole: its rows are read in another way when its columns are many.
    def rows(width):
        field = receptive_field(nn.Sequential(nn.Upsample(scale_factor=(2.05, 1))), (4, width))["0"]
        return [field.box(unit, 0)[0] for unit in range(8)]

    for width in (2, 500):
        assert rows(width) == read_by_pixel_numbers(4, width, scale_factor=(2.05, 1.0))[0]


def test_aligned_corners_ask_for_the_sizes_and_not_for_the_factor():
    up = {"mode": "bilinear", "align_corners": True}
    by_factor = receptive_field(nn.Sequential(nn.Upsample(scale_factor=2, **up)), (24, 20))["0"]
    by_size = receptive_field(nn.Sequential(nn.Upsample(size=(48, 40), **up)), (24, 20))["0"]
    assert repr(by_factor) == repr(by_size)
    assert (by_factor.size, by_factor.stride, by_factor.reach) == ((2, 2), (23 / 47, 19 / 39), "local")
    assert [by_factor.box(u, v) for u, v in [(0, 0), (1, 2), (47, 39)]] == [
        (0, 0, 1, 1),
        (0, 0, 2, 2),
        (23, 19, 24, 20),
    ]


@pytest.mark.parametrize("how", [{"size": (7, 9)}, {"scale_factor": 1.5}, {"scale_factor": 2.0, "align_corners": True},
                                 {"scale_factor": 2.0, "antialias": True}, {"scale_factor": 41}])  # fmt: skip
def test_without_a_size_only_what_is_the_same_for_all_sizes_is_said(how):
    mode = "bilinear" if "align_corners" in how or "antialias" in how else "nearest"
    field = interpolate(Field.of_picture(None, None), mode=mode, **how)
    assert field.needs == f"interpolation {'to a given size' if 'size' in how else 'by a factor'}"


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", *SMOOTH])
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 7, 16, 1 / 2, 1 / 3, 1 / 8])
def test_whole_factors_need_no_size(mode, factor):
    unknown = interpolate(Field.of_picture(None, None), scale_factor=factor, mode=mode)
    for side in (8, 24, 40, 104):
        known = interpolate(Field.of_picture(side, 8), scale_factor=factor, mode=mode)
        seen = [unknown.rows.interval(unit) for unit in range(known.rows.count)]
        assert [(max(low, 0), min(high, side - 1)) for low, high in seen] == boxes(known.rows, side)


class UNetUp(nn.Module):
    """As in milesial/Pytorch-UNet, unet_parts.py, bilinear=True: the picture's size need not be a multiple of 2."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        self.down = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1))
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)

    def forward(self, x):
        skip = self.first(x)
        low = self.up(self.down(skip))
        rows, columns = skip.size()[2] - low.size()[2], skip.size()[3] - low.size()[3]
        low = F.pad(low, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
        return self.last(torch.cat([skip, low], dim=1))


@pytest.mark.parametrize("size", [(24, 20), (25, 19)])
def test_a_u_net_that_pads_by_the_difference_is_followed(size):
    torch.manual_seed(0)
    model = UNetUp().double().eval()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    model.down[0] = nn.AvgPool2d(2)  # max pooling has a gradient at one place only
    field = receptive_field(model, size)["output"]
    for unit in [(0, 0), (11, 9), (12, 10), size and (size[0] - 1, size[1] - 1)]:
        picture = torch.ones(1, 3, *size, dtype=torch.float64, requires_grad=True)
        model(picture)[0, 0][unit].backward()
        seen = picture.grad[0, 0] > 1e-9
        rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
        box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        assert field.box(*unit, clip=size) == box
    assert receptive_field(model)["output"].because.startswith("needs input_size: interpolation by a factor")
