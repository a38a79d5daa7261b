"""The names a student types, and what happens when something is wrong."""

import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn

from vlmteach.probes import UnsupportedOperation, UntraceableModel, receptive_field


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 3, 3), nn.ReLU()
        self.spare = nn.Identity()

    def forward(self, x):
        return self.relu(self.conv(self.relu(x)))


@pytest.fixture(scope="module")
def fields():
    return receptive_field(nn.Sequential(Block(), nn.Sequential(nn.Conv2d(3, 3, 3), nn.AvgPool2d(2)), nn.Flatten()))


def test_the_keys_are_the_nodes_of_torch_fx_in_their_order(fields):
    model = nn.Sequential(Block(), nn.Sequential(nn.Conv2d(3, 3, 3), nn.AvgPool2d(2)), nn.Flatten())
    assert list(fields) == [node.name for node in fx.symbolic_trace(model).graph.nodes]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("input_1", 1),
        ("0.conv", 3),
        ("_0_conv", 3),
        ("0", 3),
        ("1.0", 5),
        ("1.1", 6),
        ("1", 6),
        ("2", 6),
        ("output", 6),
    ],
)
def test_modules_are_found_by_their_path_and_mean_what_they_return(fields, name, size):
    assert fields[name].size == (size, size)
    assert name in fields
    assert fields.get(name) is fields[name]


def test_a_module_called_twice_has_a_name_for_each_call(fields):
    assert (fields["0.relu"].size, fields["0.relu_1"].size) == ((1, 1), (3, 3))
    assert fields.node("0.relu_1") == "_0_relu_1"


def test_an_unknown_name_is_answered_with_near_ones(fields):
    assert "0.convv" not in fields
    assert fields.get("0.convv", "nothing") == "nothing"
    with pytest.raises(KeyError, match=r"no node or module '0.convv'.*Near names: .*0\.conv"):
        fields["0.convv"]
    with pytest.raises(KeyError, match="never calls"):
        fields["0.spare"]


@pytest.mark.parametrize(
    "field_text",
    [
        ("1.1", "ReceptiveField(size=(6, 6), stride=(2, 2), padding=(0, 0), reach='local')"),
    ],
)
def test_a_field_prints_what_matters(fields, field_text):
    name, text = field_text
    assert repr(fields[name]) == text


class Looks(nn.Module):
    def forward(self, x):
        return x if x.mean() > 0 else -x


def test_code_that_looks_at_numbers_cannot_be_traced_and_the_place_is_named():
    model = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ModuleDict({"inner": Looks()})["inner"])
    with pytest.raises(
        UntraceableModel, match=r"Sequential.*in module '1', test_names_and_errors.py line \d+: return x"
    ):
        receptive_field(model)


class Two(nn.Module):
    def forward(self, image, question):
        return image


class Switched(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 5)

    def forward(self, x, skip=False, scale=None):
        return self.conv(x) if not skip and scale is None else x


def test_other_arguments_of_forward_keep_their_defaults():
    assert receptive_field(Switched())["output"].size == (5, 5)
    with pytest.raises(UntraceableModel, match="also needs question"):
        receptive_field(Two())


@pytest.mark.parametrize("size", [224, (224,), (0, 5), (2.0, 2.0), "ab"])
def test_a_size_is_two_whole_numbers(size):
    with pytest.raises(ValueError, match=r"expected \(height, width\)"):
        receptive_field(nn.Conv2d(3, 3, 3), size)


def test_only_modules_have_fields():
    with pytest.raises(TypeError, match=r"expected a torch.nn.Module"):
        receptive_field(F.relu)


class Add(nn.Module):
    def __init__(self, one, two):
        super().__init__()
        self.one, self.two = one, two

    def forward(self, x):
        return self.one(x) + self.two(x)


class Strict(nn.Module):
    def forward(self, x):
        torch._assert(x.shape[2] == 32, "the picture must be 32 pixels high")
        return x + 0


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (nn.Conv2d(3, 3, 9), "a window of 9 does not fit into 8 units"),
        (Add(nn.Conv2d(3, 3, 3), nn.Identity()), "merges maps of 6 and 8 units"),
        (Strict(), "the picture must be 32 pixels high"),
    ],
)
def test_a_picture_that_the_model_cannot_take_is_said_to_be_that(model, sentence):
    with pytest.raises(ValueError, match=f"cannot take a picture of this input_size: at node '.*{sentence}") as refusal:
        receptive_field(model, (8, 8))
    assert not isinstance(refusal.value, UnsupportedOperation)


class Constant(nn.Module):
    def forward(self, x):
        return x * torch.ones(3, 1, 1)


def test_the_model_is_left_as_it_was():
    model = Constant()
    assert receptive_field(model)["mul"].reach == "local"
    assert not [name for name in vars(model) if "constant" in name]


def test_layers_for_signals_are_refused():
    with pytest.raises(UnsupportedOperation, match="Conv1d"):
        receptive_field(nn.Sequential(nn.Conv1d(3, 3, 3)))


def test_a_model_without_weights_and_on_any_device_is_described():
    assert receptive_field(nn.MaxPool2d(3).to("meta"))["output"].size == (3, 3)
    assert receptive_field(nn.Conv2d(3, 4, 7, device="meta"))["output"].size == (7, 7)
