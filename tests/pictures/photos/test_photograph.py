from importlib.resources import files

import matplotlib.cbook
import pytest
import skimage.data
import torch

from vlmteach.pictures import PHOTOGRAPHS, normalise, photograph


@pytest.mark.parametrize(("height", "width"), [(224, 224), (14, 14), (256, 320), (640, 100), (1, 1)])
def test_the_photograph_has_the_size_asked_for(height, width) -> None:
    picture = photograph(height=height, width=width)
    assert picture.shape == (3, height, width)
    assert picture.dtype == torch.float32
    assert 0 <= picture.min() <= picture.max() <= 1


def test_the_photograph_is_the_one_that_comes_with_matplotlib() -> None:
    ours = files("vlmteach.pictures.photos") / "grace_hopper.jpg"
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as theirs:
        assert ours.read_bytes() == theirs.read()


def test_the_photograph_is_the_portrait_the_right_way_up() -> None:
    picture = photograph(height=64, width=64)
    sky, uniform = picture[:, 8:16, 52:60].mean(dim=(1, 2)), picture[:, 56:, 24:32].mean(dim=(1, 2))
    assert sky[2] > 0.6  # blue background at the top right
    assert sky[2] > sky[0] + 0.2
    assert uniform.max() < 0.4  # dark uniform at the bottom


def test_a_crop_does_not_stretch() -> None:
    wide, square = photograph(height=100, width=200), photograph(height=200, width=200)
    middle = square[:, 50:150]
    # the wide crop shows the middle band of the square one at the same scale
    assert (wide - middle).abs().mean() < 0.05


@pytest.mark.parametrize(("height", "width"), [(0, 10), (10, -1)])
def test_a_size_below_one_is_refused(height, width) -> None:
    with pytest.raises(ValueError, match="sides of 1 or more"):
        photograph(height=height, width=width)


def test_normalise_is_undone_by_mean_and_std() -> None:
    picture = photograph(height=8, width=8)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    back = normalise(picture[None])[0] * std[:, None, None] + mean[:, None, None]
    assert torch.allclose(back, picture, atol=1e-5)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_a_photograph_of_scikit_image_is_the_one_on_disk(name) -> None:
    theirs = torch.from_numpy(getattr(skimage.data, name)()).permute(2, 0, 1).float() / 255
    assert torch.equal(photograph(name, *theirs.shape[1:]), theirs)  # its own size: neither cropped nor resized


def test_whose_each_photograph_is_and_under_what_licence_is_stated() -> None:
    assert len(PHOTOGRAPHS) >= 5
    assert all(about.endswith(("public domain", "CC0", "sample data")) for *_, about in PHOTOGRAPHS.values())


@pytest.mark.parametrize("name", ["motorcycle", "", 224, None])
def test_an_unknown_photograph_is_answered_with_those_there_are(name) -> None:
    with pytest.raises(ValueError, match="expected one of grace_hopper, astronaut, chelsea, coffee, rocket"):
        photograph(name)


@pytest.mark.parametrize("there", ["skimage.without_the_file", "no_such_package"])
def test_without_scikit_image_one_sentence_says_what_to_do(monkeypatch, there) -> None:
    package = "skimage" if there.startswith("skimage.") else there
    monkeypatch.setitem(PHOTOGRAPHS, "coffee", (package, "data/no_such_file.png", "nobody's"))
    with pytest.raises(FileNotFoundError, match=r"not on this computer .*; pip install scikit-image, or take"):
        photograph("coffee")
    assert photograph().shape == (3, 224, 224)


def test_no_photograph_is_downloaded(monkeypatch) -> None:
    import socket

    def refuse(*args, **kwargs):
        raise AssertionError("a photograph asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert all(photograph(name).shape == (3, 224, 224) for name in PHOTOGRAPHS)
