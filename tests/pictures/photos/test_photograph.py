from importlib.resources import files

import matplotlib.cbook
import pytest
import torch

from vlmteach.pictures import normalise, photograph


@pytest.mark.parametrize(("height", "width"), [(224, 224), (14, 14), (256, 320), (640, 100), (1, 1)])
def test_the_photograph_has_the_size_asked_for(height, width) -> None:
    picture = photograph(height, width)
    assert picture.shape == (3, height, width)
    assert picture.dtype == torch.float32
    assert 0 <= picture.min() <= picture.max() <= 1


def test_the_photograph_is_the_one_that_comes_with_matplotlib() -> None:
    ours = files("vlmteach.pictures.photos") / "grace_hopper.jpg"
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as theirs:
        assert ours.read_bytes() == theirs.read()


def test_the_photograph_is_the_portrait_the_right_way_up() -> None:
    picture = photograph(64, 64)
    sky, uniform = picture[:, 8:16, 52:60].mean(dim=(1, 2)), picture[:, 56:, 24:32].mean(dim=(1, 2))
    assert sky[2] > 0.6  # blue background at the top right
    assert sky[2] > sky[0] + 0.2
    assert uniform.max() < 0.4  # dark uniform at the bottom


def test_a_crop_does_not_stretch() -> None:
    wide, square = photograph(100, 200), photograph(200, 200)
    middle = square[:, 50:150]
    # the wide crop shows the middle band of the square one at the same scale
    assert (wide - middle).abs().mean() < 0.05


@pytest.mark.parametrize(("height", "width"), [(0, 10), (10, -1)])
def test_a_size_below_one_is_refused(height, width) -> None:
    with pytest.raises(ValueError, match="sides of 1 or more"):
        photograph(height, width)


def test_normalise_is_undone_by_mean_and_std() -> None:
    picture = photograph(8, 8)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    back = normalise(picture[None])[0] * std[:, None, None] + mean[:, None, None]
    assert torch.allclose(back, picture, atol=1e-5)
