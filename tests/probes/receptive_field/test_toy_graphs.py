"""Graphs small enough to be worked out by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlmteach.probes import receptive_field


def test_padding_in_front_of_a_stride_is_counted_in_pixels():
    field = receptive_field(nn.Sequential(nn.Conv2d(1, 1, 3, stride=3, padding=1), nn.Conv2d(1, 1, 2)))["1"]
    assert field.box(0, 0) == (-1, -1, 5, 5)  # rows -1 … 4


class Misaligned(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.one, self.two = nn.Conv2d(1, 1, 5, stride=2), nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

    def forward(self, x):
        return self.wide(F.pad(x, (2, 1, 2, 1))) + self.two(self.one(x))


def test_branches_of_different_strides_are_flagged_and_boxed_unit_by_unit():
    field = receptive_field(Misaligned(), (7, 7))["add"]
    boxes = [field.box(u, u, clip=(7, 7)) for u in range(3)]
    assert [(top, bottom - 1) for top, _, bottom, _ in boxes] == [(0, 4), (0, 5), (2, 6)]
    assert field.aligned is False
    assert "aligned=False" in repr(field)


def test_branches_of_different_strides_need_the_size():
    field = receptive_field(Misaligned())["add"]
    assert field.because == "needs input_size: it merges maps of stride 2 and 1"


def test_dilation_reports_the_box_and_not_its_holes():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, dilation=2), nn.Conv2d(1, 1, 3, dilation=4)).double()
    assert receptive_field(model)["1"].box(4, 4) == (4, 4, 17, 17)
    picture = torch.rand(1, 1, 21, 21, dtype=torch.float64, requires_grad=True)
    model(picture)[0, 0, 4, 4].backward()
    assert picture.grad[0, 0].any(dim=1).nonzero().flatten().tolist() == [4, 6, 8, 10, 12, 14, 16]


def test_a_transposed_convolution_has_a_box_for_each_phase():
    field = receptive_field(nn.Sequential(nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)))["0"]
    assert field.box(6, 7) == (2, 3, 4, 5)
    assert (field.stride, field.size, field.padding) == ((0.5, 0.5), (2, 2), (1, 1))


def test_rows_and_columns_are_counted_apart():
    model = nn.Sequential(nn.Conv2d(1, 1, (1, 7), padding=(0, 3)), nn.MaxPool2d((3, 1), stride=(2, 1)))
    field = receptive_field(model)["1"]
    assert (field.size, field.stride, field.padding) == ((3, 7), (2, 1), (0, 3))
    assert field.box(2, 10) == (4, 7, 7, 14)


def test_a_stride_that_leaves_out_the_last_pixels_shortens_the_clipped_box():
    model = nn.Sequential(nn.MaxPool2d(3), nn.Conv2d(1, 1, 3, padding=1))
    assert receptive_field(model)["1"].box(1, 1, clip=(8, 8)) == (0, 0, 8, 8)  # the size of the picture is not known
    assert receptive_field(model, (8, 8))["1"].box(1, 1, clip=(8, 8)) == (0, 0, 6, 6)


class Crop(nn.Module):
    def forward(self, x):
        return x[:, :, 2:, 2:]


def test_pixels_that_were_cropped_away_do_not_come_back_through_padding():
    model = nn.Sequential(Crop(), nn.Conv2d(1, 1, 3, padding=1))
    assert receptive_field(model, (8, 8))["1"].box(0, 3, clip=(8, 8)) == (2, 4, 4, 7)


class Branches(nn.Module):
    def __init__(self, one, two):
        super().__init__()
        self.one, self.two, self.last = one, two, nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return self.last(self.one(x) + self.two(x))


@pytest.mark.parametrize("turn", [1, -1])
def test_after_a_merge_the_pixels_of_either_branch_are_seen(turn):
    short, long = nn.MaxPool2d(3), nn.MaxPool2d(4, stride=3)  # on 8 pixels: two units that see 6 pixels, or 7
    field = receptive_field(Branches(*[short, long][::turn]), (8, 8))["last"]
    assert field.box(1, 1, clip=(8, 8)) == (0, 0, 7, 7)


@pytest.mark.parametrize("turn", [1, -1])
def test_what_is_special_about_one_branch_stays_after_the_merge(turn):
    mirrored = nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")
    fields = receptive_field(Branches(*[mirrored, nn.Conv2d(1, 1, 5, padding=2)][::turn]))
    assert fields["last"].border == "copies"
    shifted = nn.Sequential(nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(1, 1, 2))
    twice = nn.Sequential(
        Branches(*[shifted, nn.Identity()][::turn]), Branches(nn.Identity(), nn.Conv2d(1, 1, 3, padding=1))
    )
    fields = receptive_field(twice)
    assert (fields["add"].aligned, fields["1.last"].aligned) == (False, False)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_with_copies_of_pixels_is_said_and_boxes_at_the_border_are_refused(mode):
    field = receptive_field(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode)))["0"]
    assert field.border == "copies"
    assert field.box(3, 3, clip=(8, 8)) == (2, 2, 5, 5)
    assert field.box(0, 3) == (-1, 2, 2, 5)
    with pytest.raises(ValueError, match="copies of pixels"):
        field.box(0, 3, clip=(8, 8))


@pytest.mark.parametrize(
    ("position", "clip", "sentence"),
    [
        ((-1, 0), None, "row -1 is outside the map: expected a row of 0 to 3"),
        ((0, 4), None, "column 4 is outside the map"),
        ((0, 0), (9, 8), r"computed for input_size=\(8, 8\)"),
    ],
)
def test_a_unit_outside_the_map_has_no_box(position, clip, sentence):
    field = receptive_field(nn.Sequential(nn.MaxPool2d(2)), (8, 8))["0"]
    with pytest.raises(ValueError, match=sentence):
        field.box(*position, clip=clip)


def test_a_unit_outside_the_picture_has_no_box():
    field = receptive_field(nn.Sequential(nn.MaxPool2d(2)))["0"]
    with pytest.raises(ValueError, match="sees pixels 8 to 9, nothing of the 8 pixels"):
        field.box(0, 4, clip=(8, 8))
