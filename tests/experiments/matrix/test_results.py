import shutil

import numpy as np
import pytest
import torch

from vlmteach.experiments.matrix import MatrixResults, build_vlm, load_results, load_vlm, results
from vlmteach.experiments.recording import write_results
from vlmteach.training import CheckpointError, save_checkpoint


def run(seed=0, positions=True, steps=100, encoder="vit", connector="prefix", **more):
    return {
        "encoder": encoder,
        "connector": connector,
        "positions": positions,
        "seed": seed,
        "steps": steps,
        "accuracy": [0.1 * (seed + 1)] * 6,
        "learning": [[0.5] * 6, [1.0] * 6],
        "steps_to_level": [100, None, 50, 50, 50, 50],
        **more,
    }


RECORD = {
    "recipe": {"steps": 100},
    "window": 50,
    "families": ["attribute", "count"],
    "guessing": {"count": 0.25, "attribute": 0.5},
    "encoders": {"vit": {"title": "ViT", "parameters": 7}},
    "connectors": {"prefix": "grid as a prefix"},
    "runs": [
        run(0),
        run(1),
        run(0, positions=False, accuracy=[0.7] * 6),
        run(0, connector="vector", accuracy=[0.4] * 6),
        run(0, encoder="cnn", accuracy=[0.6] * 6),
        run(0, encoder="cnn", connector="vector", accuracy=[0.8] * 6),
    ],
    "shorter": [run(0, steps=300, learning=[[0.5] * 6] * 6), run(0, connector="vector")],
}
RESULTS = MatrixResults(RECORD)


def test_names_and_guessing_are_read_in_the_order_of_the_families():
    assert RESULTS.guessing.tolist() == [0.5, 0.25]
    assert RESULTS.encoder_title("vit") == "ViT"
    assert RESULTS.connector_title("prefix") == "grid as a prefix"
    assert RESULTS.parameters("vit") == 7


def test_a_cell_is_its_seeds_without_its_shorter_runs():
    assert RESULTS.accuracy("vit", "prefix")[:, 0].tolist() == pytest.approx([0.1, 0.2])
    assert RESULTS.accuracy("vit", "prefix", positions=False).shape == (1, 6)


def test_every_seed_of_a_connector_is_read_behind_every_encoder_with_positions_only():
    assert RESULTS.every_seed("prefix", "count").tolist() == pytest.approx([0.1, 0.2, 0.6])
    assert RESULTS.every_seed("vector", "count").tolist() == [0.4, 0.8]


def test_a_shorter_run_is_found_by_its_cell_and_read_like_any_run():
    (shorter,) = RESULTS.runs("vit", "prefix", kind="shorter")
    steps, accuracy = RESULTS.learning([shorter])

    assert shorter["steps"] == 300
    assert steps.tolist() == [50, 100, 150, 200, 250, 300]
    assert accuracy.shape == (1, 6, 6)
    assert RESULTS.seeds("vit", "prefix", "count", kind="shorter").tolist() == [0.1]


def test_the_cells_that_were_trained_anew_are_each_named_once():
    again = [*RECORD["shorter"], run(1, steps=300)]

    assert MatrixResults({**RECORD, "shorter": again}).retrained() == [("vit", "prefix"), ("vit", "vector")]


def test_a_cell_knows_which_rates_it_was_given_to_choose_from():
    rates = [run(0, learning_rate=rate) for rate in (1e-3, 2e-3)]
    results = MatrixResults({**RECORD, "pilots": [*rates, run(0, encoder="cnn", learning_rate=4e-3)]})

    assert [run["learning_rate"] for run in results.runs("vit", "prefix", kind="pilots")] == [1e-3, 2e-3]
    with pytest.raises(ValueError, match=r"none of the 3 recorded pilots has .*'connector': 'vector'"):
        results.runs("vit", "vector", kind="pilots")


def test_the_course_of_learning_is_read_with_its_steps():
    runs = RESULTS.runs("vit", "prefix")
    steps, accuracy = RESULTS.learning(runs)

    assert steps.tolist() == [50, 100]
    assert accuracy.shape == (2, 2, 6)
    assert RESULTS.steps_to_level(runs)[:, [0, 2]].tolist() == [[100, 50]] * 2
    assert np.isnan(RESULTS.steps_to_level(runs)[:, 1]).all()


def test_a_cell_of_longer_runs_says_how_many_steps_it_had():
    longer = MatrixResults({**RECORD, "runs": [run(0, steps=200), run(1, steps=200, steps_to_level=[None] * 6)]})
    steps, within = longer.reached("vit", "prefix", "attribute")

    assert within == 200
    assert steps[0] == 100
    assert np.isnan(steps[1])


def test_the_table_has_a_row_for_each_encoder_and_a_column_for_each_connector():
    table = RESULTS.table(["cnn", "vit"], ["prefix", "vector"])

    assert table.shape == (2, 2, 6)
    assert table[:, :, 0] == pytest.approx(np.array([[0.6, 0.8], [0.15, 0.4]]))


def test_a_cell_that_was_not_recorded_is_refused():
    with pytest.raises(ValueError, match=r"none of the 6 recorded runs has .*'encoder': 'resnet'"):
        RESULTS.runs("resnet", "prefix")


def test_a_record_that_is_not_there_names_the_command():
    with pytest.raises(FileNotFoundError, match=r"python -m vlmteach\.experiments\.matrix"):
        load_results(results.RESULTS / "nowhere")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder with one trained model, and a record that knows it."""
    model = build_vlm("cnn-small", "vector", positions=False, seed=5)
    digest = save_checkpoint(tmp_path / "some.safetensors", model.state_dict())
    about = {"file": "some.safetensors", "sha256": digest, "positions": False}
    write_results("matrix", {**RECORD, "checkpoints": {"cnn-small/vector": about}}, tmp_path)
    monkeypatch.setattr(results, "load_results", lambda: load_results(tmp_path))
    return tmp_path, model


def test_a_trained_model_comes_back_ready_to_answer(shipped):
    folder, model = shipped
    loaded = load_vlm("cnn-small", "vector", folder)

    assert not loaded.training
    assert all(torch.equal(tensor, loaded.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_a_cell_that_is_not_shipped_is_refused(shipped):
    with pytest.raises(ValueError, match="there is no trained model 'vit/vector'; expected one of cnn-small/vector"):
        load_vlm("vit", "vector", shipped[0])


def test_weights_of_another_run_are_refused(shipped):
    folder, _ = shipped
    save_checkpoint(folder / "some.safetensors", build_vlm("cnn-small", "vector", False, seed=6).state_dict())

    with pytest.raises(CheckpointError, match=r"some\.safetensors holds something else than expected"):
        load_vlm("cnn-small", "vector", folder)


def test_a_damaged_file_is_refused(shipped, tmp_path):
    folder, _ = shipped
    (tmp_path / "copy").mkdir()
    shutil.copy(folder / "some.safetensors", tmp_path / "copy")
    file = tmp_path / "copy" / "some.safetensors"
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(CheckpointError, match="is not a whole safetensors file"):
        load_vlm("cnn-small", "vector", tmp_path / "copy")
