import re
from urllib.error import URLError

import pytest
import torch
from torchvision import models

from vlmteach.backbones import WeightsMissing, load_cnn


def test_untrained_weights_depend_on_the_seed_only() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = load_cnn("resnet18"), load_cnn("resnet18"), load_cnn("resnet18", seed=1)
    assert torch.equal(torch.rand(3), expected)  # the caller's generator was not moved
    assert torch.equal(first.conv1.weight, again.conv1.weight)
    assert not torch.equal(first.conv1.weight, other.conv1.weight)
    assert not first.training


def test_pretrained_weights_are_loaded_from_the_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    stand_in = load_cnn("squeezenet1_1", seed=7)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(stand_in.state_dict(), folder / models.SqueezeNet1_1_Weights.DEFAULT.url.rsplit("/", 1)[-1])
    loaded = load_cnn("squeezenet1_1", "pretrained")
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in stand_in.state_dict().items())
    assert not loaded.training


def test_weights_that_cannot_be_fetched_are_named_with_size_and_remedy(tmp_path, monkeypatch) -> None:
    def no_network(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    size = models.SqueezeNet1_1_Weights.DEFAULT.meta["_file_size"]
    sentence = f"squeezenet1_1 ({size:.0f} MB, squeezenet1_1-"
    with pytest.raises(WeightsMissing, match=re.escape(sentence) + ".*no network.*copy the file.*untrained"):
        load_cnn("squeezenet1_1", "pretrained")


@pytest.mark.parametrize(
    ("name", "weights", "words"),
    [("resnet19", "untrained", "no network 'resnet19'"), ("resnet18", "random", "weights is 'random'")],
)
def test_an_unknown_name_is_refused(name, weights, words) -> None:
    with pytest.raises(ValueError, match=words):
        load_cnn(name, weights)
