import json
import os
import pickle

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vlmteach.training import CheckpointError, load_checkpoint, load_weights, save_checkpoint

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@settings(max_examples=30, deadline=None)
@given(
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=4),
    dtype=st.sampled_from(DTYPES),
    metadata=st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3),
)
def test_what_is_saved_comes_back(tmp_path_factory, shapes, dtype, metadata):
    path = tmp_path_factory.mktemp("checkpoint") / "file.safetensors"
    tensors = {f"tensor {i}": torch.randint(0, 2, shape).to(dtype) for i, shape in enumerate(shapes)}
    digest = save_checkpoint(path, tensors, metadata)
    loaded = load_checkpoint(path, sha256=digest)

    assert loaded.metadata == metadata
    assert loaded.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded.tensors[name].dtype == dtype
        assert torch.equal(loaded.tensors[name], tensor)


def test_nan_and_infinity_keep_their_bits(tmp_path):
    tensor = torch.tensor([float("nan"), float("inf"), -0.0])
    save_checkpoint(tmp_path / "file", {"odd": tensor})

    assert torch.equal(load_checkpoint(tmp_path / "file").tensors["odd"].view(torch.int32), tensor.view(torch.int32))


def test_shared_and_strided_tensors_are_saved(tmp_path):
    whole = torch.arange(6.0).reshape(2, 3)
    save_checkpoint(tmp_path / "file", {"a": whole, "b": whole, "c": whole.T, "d": whole[:, 1]})

    assert torch.equal(load_checkpoint(tmp_path / "file").tensors["c"], whole.T)


def test_the_sha256_is_that_of_the_content(tmp_path):
    tensors = {"a": torch.arange(3.0), "b": torch.arange(2)}
    first = save_checkpoint(tmp_path / "one", tensors, {"x": 1, "y": 2})
    again = save_checkpoint(tmp_path / "two", dict(reversed(tensors.items())), {"y": 2, "x": 1})
    others = {
        save_checkpoint(tmp_path / "three", {"a": torch.arange(3.0), "c": torch.arange(2)}, {"x": 1, "y": 2}),
        save_checkpoint(tmp_path / "four", {"a": torch.arange(3.0) + 1, "b": torch.arange(2)}, {"x": 1, "y": 2}),
        save_checkpoint(tmp_path / "five", {"a": torch.arange(3.0)[None], "b": torch.arange(2)}, {"x": 1, "y": 2}),
        save_checkpoint(tmp_path / "six", tensors, {"x": 1, "y": 3}),
    }

    assert first == again
    assert len(others | {first}) == 5


def flip_last_byte(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def change_metadata(data):
    return data.replace(b"cnn", b"vit")


def foreign_file(data):
    return safetensors.torch.save({"weight": torch.zeros(2)})


def other_format(data):
    return safetensors.torch.save({"weight": torch.zeros(2)}, metadata={"format": "pt"})


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def pickled(data):
    return pickle.dumps(Bomb())


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (flip_last_byte, "is damaged: its content has the SHA-256"),
        (change_metadata, "is damaged: its content has the SHA-256"),
        (lambda data: data[:-10], "is not a whole safetensors file"),
        (lambda data: b"", "is not a whole safetensors file"),
        (lambda data: b"\xff" * 100, "is not a whole safetensors file"),
        (pickled, "is not a whole safetensors file"),
        (foreign_file, "not a checkpoint of this course: its format is None"),
        (other_format, "not a checkpoint of this course: its format is 'pt'"),
    ],
)
def test_a_corrupt_or_foreign_file_is_refused_with_file_and_reason(tmp_path, monkeypatch, damage, reason):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, {"weight": torch.arange(8.0)}, {"encoder": "cnn"})
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path)

    assert str(path) in str(error.value)
    assert reason in str(error.value)
    assert not (tmp_path / "exploded").exists()


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    path = tmp_path / "huge"
    path.write_bytes(len(header).to_bytes(8, "little") + header)

    with pytest.raises(CheckpointError, match="is not a whole safetensors file"):
        load_checkpoint(path)


def test_another_content_than_expected_is_refused(tmp_path):
    save_checkpoint(tmp_path / "file", {"a": torch.zeros(1)})

    with pytest.raises(CheckpointError, match="holds something else than expected"):
        load_checkpoint(tmp_path / "file", sha256="0" * 64)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint .*nothing\. Train the model first"):
        load_checkpoint(tmp_path / "nothing")


def test_metadata_that_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        save_checkpoint(tmp_path / "file", {}, {"loss": float("nan")})

    assert not (tmp_path / "file").exists()


def test_weights_come_back_into_a_new_model(tmp_path):
    trained, new = (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2))
    trained(torch.randn(4, 2))
    save_checkpoint(tmp_path / "file", trained.state_dict())
    load_weights(new, load_checkpoint(tmp_path / "file").tensors, "file")

    assert all(torch.equal(new.state_dict()[name], tensor) for name, tensor in trained.state_dict().items())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"weight": None}, "weight is missing"),
        ({"extra": torch.zeros(1)}, "extra is unknown to the model"),
        ({"weight": torch.zeros(3, 1)}, r"weight is \(3, 1\) float32, in the model \(3, 2\) float32"),
        ({"bias": torch.zeros(3).double()}, r"bias is \(3,\) float64, in the model \(3,\) float32"),
    ],
)
def test_weights_of_another_model_are_refused_and_change_nothing(change, reason):
    model = nn.Linear(2, 3)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    other = {name: torch.full_like(tensor, 7) for name, tensor in before.items()} | change
    other = {name: tensor for name, tensor in other.items() if tensor is not None}

    with pytest.raises(CheckpointError, match=f"file does not fit this Linear: {reason}"):
        load_weights(model, other, "file")

    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())
