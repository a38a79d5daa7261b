import numpy as np
import pytest
import torch
from PIL import Image
from support.peers import TIMM_TAKES_OBLONG
from timm.data import create_transform

from vlmteach.backbones import Preprocessing, preprocessing_of
from vlmteach.backbones.encoders import PRETRAINED_ENCODERS
from vlmteach.backbones.timm_config import timm_config
from vlmteach.pictures import photograph

PLAIN = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "bicubic", 1.0)


OBLONG = [pytest.param(size, marks=TIMM_TAKES_OBLONG) for size in [(192, 256), (64, 96)]]


@pytest.mark.parametrize("size", [(224, 224), *OBLONG], ids=str)
@pytest.mark.parametrize("name", PRETRAINED_ENCODERS)
def test_it_is_timms_own_transform(name, size):
    picture = photograph(height=300, width=450)  # half as wide again: no rounding, where timm has two rules
    config = timm_config(PRETRAINED_ENCODERS[name].network)
    transform = create_transform(
        (3, *size), mean=config.mean, std=config.std, interpolation=config.interpolation, crop_pct=config.crop_pct
    )
    theirs = transform(Image.fromarray((picture * 255).round().byte().permute(1, 2, 0).numpy()))[None]
    ours = preprocessing_of(name).prepare(picture, *size)
    assert ours.shape == theirs.shape == (1, 3, *size)
    levels = (ours - theirs).abs() * 255 * torch.tensor(config.std)[:, None, None]
    assert levels.mean() < 0.35  # theirs rounds to whole levels of brightness
    assert (levels > 2).float().mean() < 1e-3  # and cuts bicubic's overshoot between rows and columns


def test_the_middle_is_kept_and_nothing_is_stretched():
    picture = torch.zeros(3, 60, 120)
    picture[:, 20:40, 50:70] = 1  # a square of a third of the height, in the middle
    seen = PLAIN.resize_and_crop(picture, 30, 30)[0] > 0.5
    assert seen.nonzero().min(dim=0).values.tolist() == [10, 10]
    assert seen.nonzero().max(dim=0).values.tolist() == [19, 19]


def test_only_the_share_that_is_kept_is_seen():
    picture = torch.zeros(3, 100, 100)
    picture[:, :10], picture[:, :, -10:] = 1, 1  # a frame that a crop of 0.8 just leaves out
    kept = Preprocessing(PLAIN.mean, PLAIN.std, "bilinear", 0.8)
    assert PLAIN.resize_and_crop(picture, 50, 50).max() == 1
    assert kept.resize_and_crop(picture, 40, 40)[:, 1:, :-1].max() < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (7, 500), (33, 65), (224, 224)], ids=str)
@pytest.mark.parametrize("given", [(1, 1), (5, 900), (100, 31)], ids=str)
def test_any_size_comes_of_any_size_and_stays_in_range(given, size):
    picture = (torch.rand(3, *given, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    seen = PLAIN.resize_and_crop(picture, *size)
    assert seen.shape == (3, *size)
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_normalise_takes_the_mean_to_zero_and_one_std_to_one():
    steps = Preprocessing((0.5, 0.25, 0.75), (0.5, 0.125, 0.25), "bicubic", 1.0)
    picture = torch.tensor([1.0, 0.25, 0.5])[:, None, None].expand(2, 3, 4, 4)
    assert steps.normalise(picture)[1, :, 0, 0].tolist() == [1, 0, -1]
    prepared = steps.prepare(picture[0], 8, 8)
    assert np.allclose(prepared[0, :, 3, 3], [1, 0, -1])


REFUSED = {
    "normalised already": (torch.full((3, 4, 4), -1.0), (4, 4), ValueError, r"-1 to -1; expected \[0, 1\]"),
    "brighter than white": (torch.full((3, 4, 4), 1.5), (4, 4), ValueError, "1.5"),
    "bytes": (torch.zeros(3, 4, 4, dtype=torch.uint8), (4, 4), TypeError, "uint8"),
    "a batch": (torch.zeros(1, 3, 4, 4), (4, 4), ValueError, "four axes"),
    "grey": (torch.zeros(1, 4, 4), (4, 4), ValueError, "channels=3"),
    "no size": (torch.zeros(3, 4, 4), (0, 4), ValueError, "0 x 4"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_a_sentence(name):
    picture, size, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        PLAIN.prepare(picture, *size)
