import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save, save_file
from support.hub import hub_on_this_machine
from support.random_weights import largest_difference, random_network, randomise
from torch import nn
from torchvision import models

from vlmteach.backbones import WeightsMissing, load, load_cnn
from vlmteach.backbones.timm_config import timm_config
from vlmteach.backbones.weights import Undrawn


def test_untrained_weights_depend_on_the_seed_only() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = load_cnn("resnet18"), load_cnn("resnet18"), load_cnn("resnet18", seed=1)
    assert torch.equal(torch.rand(3), expected)  # the caller's generator was not moved
    assert torch.equal(first.conv1.weight, again.conv1.weight)
    assert not torch.equal(first.conv1.weight, other.conv1.weight)
    assert not first.training


# name -> timm's twin, the repository of its weights
TWINS = {
    "resnet18": ("resnet18", "timm/resnet18.tv_in1k"),
    "resnet50": ("resnet50", "timm/resnet50.tv_in1k"),
    "vgg16": ("vgg16", "timm/vgg16.tv_in1k"),
}


def weights_from(monkeypatch, folder, state):
    """Let "the hub" have these; returns the list of what it is asked for."""
    asked = []
    save_file(state, folder / "model.safetensors")
    monkeypatch.setattr(load, "fetch_weights", lambda *facts: asked.append(facts) or folder / "model.safetensors")
    return asked


@torch.no_grad()
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_with_timms_weights_torchvisions_network_equals_timms(monkeypatch, tmp_path, name):
    twin, repository = TWINS[name]
    theirs = random_network(timm.create_model, twin, scale=0.03)
    asked = weights_from(monkeypatch, tmp_path, theirs.state_dict())
    ours = load_cnn(name, "pretrained")
    image = torch.randn(1, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    expected = theirs(image)
    assert expected.std() > 0.01
    assert largest_difference(ours(image), expected) <= 1e-5
    assert not ours.training
    assert asked == [(repository, "bsd-3-clause", sum(tensor.nbytes for tensor in theirs.state_dict().values()))]


def small_vggs():
    """timm's VGG and torchvision's, both narrow, their classifiers with the names and the kinds of layers of vgg16."""
    theirs = timm.models.vgg.VGG([8, "M", 16, "M"], num_classes=10, mlp_ratio=0.01)
    with Undrawn():
        ours = models.vgg.VGG(models.vgg.make_layers([8, "M", 16, "M"]), num_classes=10)
    ours.classifier[0] = nn.Linear(16 * 7 * 7, 40)
    ours.classifier[3], ours.classifier[6] = nn.Linear(40, 4096), nn.Linear(4096, 10)
    return randomise(theirs, scale=0.05), ours.eval()


@torch.no_grad()
def test_vggs_classifier_of_convolutions_becomes_one_of_matrices():
    theirs, ours = small_vggs()
    assert theirs.pre_logits.fc1.weight.shape[2:] == (7, 7)
    ours.load_state_dict(load._as_torchvision(theirs.state_dict()))
    image = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    expected = theirs(image)
    assert expected.std() > 0.01
    assert largest_difference(ours(image), expected) <= 1e-5


def test_vgg16_has_the_names_and_sizes_of_its_twin():
    with torch.device("meta"):
        theirs, ours = timm.create_model("vgg16"), models.vgg16()
    renamed = load._as_torchvision(theirs.state_dict())
    assert {name: tensor.shape for name, tensor in renamed.items()} == {
        name: tensor.shape for name, tensor in ours.state_dict().items()
    }
    assert timm_config(load.SAFE["vgg16"]).hf_hub_id == TWINS["vgg16"][1]
    assert load.SAFE.keys() == TWINS.keys()


def test_files_without_batch_counts_are_taken_and_files_without_weights_are_not(monkeypatch, tmp_path):
    state = models.resnet18().state_dict()
    counted = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    weights_from(monkeypatch, tmp_path, counted)
    assert torch.equal(load_cnn("resnet18", "pretrained").conv1.weight, state["conv1.weight"])
    del counted["bn1.running_var"]
    weights_from(monkeypatch, tmp_path, counted)
    with pytest.raises(RuntimeError, match=r"bn1\.running_var"):
        load_cnn("resnet18", "pretrained")


def test_pretrained_weights_come_from_the_hub_with_size_and_licence(monkeypatch, tmp_path, capsys):
    stand_in = load_cnn("resnet18", seed=7).state_dict()
    content = save(stand_in)
    with hub_on_this_machine(monkeypatch, tmp_path) as hub:
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000_000)
        hub.put("timm/resnet18.tv_in1k", "model.safetensors", content)
        loaded = load_cnn("resnet18", "pretrained").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in stand_in.items())
    assert f"{len(content) / 1e6:.1f} MB to download, licence: bsd-3-clause" in capsys.readouterr().out


def test_weights_that_cannot_be_fetched_are_named_with_size_and_remedy(monkeypatch, tmp_path):
    with hub_on_this_machine(monkeypatch, tmp_path):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(
            WeightsMissing, match=r"timm/resnet18.tv_in1k \(about 46\.8 MB\).*copy the folder.*untrained"
        ):
            load_cnn("resnet18", "pretrained")


@pytest.mark.parametrize(
    ("name", "weights", "words"),
    [
        ("resnet19", "untrained", "no network 'resnet19'"),
        ("resnet18", "random", "weights is 'random'"),
        ("squeezenet1_1", "pretrained", "as a pickle only.*expected one of resnet18, resnet50, vgg16"),
    ],
)
def test_an_unknown_name_is_refused(name, weights, words) -> None:
    with pytest.raises(ValueError, match=words):
        load_cnn(name, weights)
