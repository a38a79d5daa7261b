"""What the course claims about the cliff, checked on the recorded numbers, and how they are read."""

import json
import shutil

import numpy as np
import pytest
import torch

from vlmteach.experiments.cliff import (
    CHANCE,
    CLIFF_ENCODERS,
    CliffResults,
    build_cliff_model,
    count_right,
    exact_field,
    load_cliff_model,
    load_results,
)
from vlmteach.experiments.cliff.record import SHIPPED
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS
from vlmteach.training import CheckpointError

RECORDED = load_results()
LOCAL = [name for name, encoder in CLIFF_ENCODERS.items() if encoder.family == "local"]
GLOBAL = [name for name, encoder in CLIFF_ENCODERS.items() if encoder.family == "global"]


def test_every_encoder_was_recorded_with_three_seeds():
    runs = {(run["encoder"], run["seed"]) for run in RECORDED.record["runs"]}

    assert runs == {(name, seed) for name in CLIFF_ENCODERS for seed in (0, 1, 2)}
    assert list(CLIFF_ENCODERS) == RECORDED.names


@pytest.mark.parametrize("name", CLIFF_ENCODERS)
def test_every_offset_was_tested_with_at_least_two_thousand_pictures(name):
    assert RECORDED.pictures_per_offset(name) >= 2000


@pytest.mark.parametrize("name", LOCAL)
def test_a_cnn_knows_every_offset_inside_its_field_and_none_outside(name):
    inside, outside = RECORDED.worst(name)

    assert inside >= 0.95
    assert outside <= CHANCE + 0.05


@pytest.mark.parametrize("name", [name for name in CLIFF_ENCODERS if name not in LOCAL])
def test_an_encoder_that_hears_of_the_whole_picture_knows_every_distance(name):
    assert RECORDED.accuracy_by_distance(name).min() >= 0.95


@pytest.mark.parametrize("name", LOCAL)
def test_no_cnn_learned_what_it_cannot_see(name):
    reach = max(RECORDED.field(name)[2:]) // 8 - 1
    steps = RECORDED.steps_to_level(name)

    assert np.isfinite(steps[:, :reach]).all()
    assert np.isnan(steps[:, reach + 1 :]).all()


def test_far_is_learned_later_by_a_deep_cnn_and_at_once_by_a_vit():
    deep, vit = (RECORDED.steps_to_level(name).mean(axis=0) for name in ("cnn-6", "vit-1"))

    assert deep[5] >= 1.5 * deep[0]
    assert vit[6] <= 1.2 * vit[0]


@pytest.mark.parametrize("name", CLIFF_ENCODERS)
def test_the_record_describes_the_encoders_of_today(name):
    model = build_cliff_model(name, seed=0)

    assert RECORDED.field(name) == exact_field(model)
    assert RECORDED.title(name) == CLIFF_ENCODERS[name].title
    assert RECORDED.parameters(name) == sum(parameter.numel() for parameter in model.parameters())


def test_the_record_says_how_it_was_made():
    assert RECORDED.record["recipe"]["steps"] == 600
    assert {"python", "torch", "numpy", "vlmteach"} <= RECORDED.record["versions"].keys()
    assert all(len(digest) == 64 for digest in RECORDED.record["code"].values())
    assert "vlmteach.pictures.cliff" in RECORDED.record["code"]


def made_up(right, **more):
    """Results of one encoder and two seeds, 4 pictures for each offset."""
    runs = [{"encoder": "cnn-1", "seed": seed, "right": right[seed].tolist(), **more} for seed in (0, 1)]
    about = {"title": "CNN, 1 block", "family": "local", "parameters": 1, "field": [-8, -8, 16, 16]}
    return CliffResults({"per_offset": 4, "window": 20, "encoders": {"cnn-1": about}, "runs": runs})


def test_seeds_are_pooled_by_offset_and_kept_apart_by_distance():
    right = np.zeros((2, 15, 15), dtype=int)
    right[0, 6:9, 6:9] = 4
    right[1, 6:9, 6:9] = 2
    right[:, 0, 7] = 4  # seven up
    right[:, 7, 7] = 0
    results = made_up(right)
    accuracy = results.accuracy_by_offset("cnn-1")

    assert results.pictures_per_offset("cnn-1") == 8
    assert accuracy[6, 8] == 0.75
    assert accuracy[0, 7] == 1
    assert accuracy[7, 0] == 0
    assert np.isnan(accuracy[7, 7])
    assert results.accuracy_by_distance("cnn-1").tolist() == [[1, 0, 0, 0, 0, 0, 1 / 56], [0.5, 0, 0, 0, 0, 0, 1 / 56]]
    assert results.worst("cnn-1") == (0.75, 1)


def test_the_course_of_learning_is_read_with_its_steps():
    right = np.zeros((2, 15, 15), dtype=int)
    results = made_up(right, accuracy=[[0.5] * 7, [1.0] * 7], steps_to_level=[40, None, 20, 20, 20, 20, 20])
    steps, accuracy = results.learning("cnn-1")

    assert steps.tolist() == [20, 40]
    assert accuracy.shape == (2, 2, 7)
    assert results.steps_to_level("cnn-1").shape == (2, 7)
    assert np.isnan(results.steps_to_level("cnn-1")[:, 1]).all()


def test_an_encoder_that_was_not_recorded_is_refused():
    with pytest.raises(ValueError, match="no encoder 'vit-9' was recorded; expected one of cnn-1"):
        made_up(np.zeros((2, 15, 15), dtype=int)).accuracy_by_offset("vit-9")


def test_trained_encoders_are_small_enough_to_ship():
    assert sum(file.stat().st_size for file in CHECKPOINTS.glob("cliff-*.safetensors")) <= 3_000_000


@pytest.mark.parametrize("name", SHIPPED)
def test_a_trained_encoder_does_what_was_recorded(name):
    model = load_cliff_model(name)
    recorded = RECORDED.accuracy_by_offset(name)
    right = count_right(model, per_offset=2)
    sees = recorded > 0.9

    assert not model.training
    assert right[sees].mean() / 2 >= 0.95


def test_a_name_that_is_not_shipped_is_refused():
    with pytest.raises(ValueError, match="there is no trained encoder 'cnn-9'; expected one of cnn-1"):
        load_cliff_model("cnn-9")


def test_a_checkpoint_that_is_not_the_recorded_one_is_refused(tmp_path):
    shutil.copy(CHECKPOINTS / "cliff-cnn-2.safetensors", tmp_path / "cliff-cnn-1.safetensors")

    with pytest.raises(CheckpointError, match=r"cliff-cnn-1\.safetensors holds something else than expected"):
        load_cliff_model("cnn-1", folder=tmp_path)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    data = (CHECKPOINTS / "cliff-vit-1.safetensors").read_bytes()
    (tmp_path / "cliff-vit-1.safetensors").write_bytes(data[:-100])

    with pytest.raises(CheckpointError, match=r"cliff-vit-1\.safetensors is not a whole safetensors file"):
        load_cliff_model("vit-1", folder=tmp_path)


def test_loading_a_trained_encoder_leaves_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    load_cliff_model("cnn-1")

    assert torch.equal(torch.rand(2), expected)


def test_the_record_is_plain_json():
    json.loads((RESULTS / "cliff.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the record"))
