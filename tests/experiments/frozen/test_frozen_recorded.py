"""The record behind frozen encoders: what stands in it holds, and the code of today makes it."""

import os

import numpy as np
import pytest
from support.wheels import require_installed

from vlmteach.backbones.wheels import DINOV2_SMALL_14, EFFICIENTNET_LITE0
from vlmteach.experiments.frozen import ENCODERS, load_behind, load_results, load_vlm
from vlmteach.experiments.frozen import record as recording
from vlmteach.experiments.frozen.encoders import look
from vlmteach.experiments.frozen.features import Features
from vlmteach.experiments.frozen.record import EXPERIMENT, RATES, ROUNDS, Cell, case_of
from vlmteach.experiments.frozen.run import FIRST
from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.matrix.train import BATCH, HELD_OUT, family_means, right_answers
from vlmteach.pictures import Scene, SceneBatch, draw_scene, make_batch

RECORD = load_results()
WHEELS = {"efficientnet_lite0": EFFICIENTNET_LITE0, "dinov2_small_14": DINOV2_SMALL_14}
CELLS = [pytest.param(*cell, id=" × ".join(cell)) for cell in RECORD.cells()]
# Five batches cost the ViT half a minute: in `make test` the CNN stands for both, whose runs differ in nothing but the
# tokens, and these are compared below and in test_frozen_features.py. `make test-arithmetic` starts all.
STARTED = [cell for cell in RECORD.shipped() if cell[0] == "cnn" or "ALL_RUNS" in os.environ]


@pytest.mark.parametrize(("encoder", "connector"), STARTED)
def test_a_recorded_run_starts_the_same_way_today(encoder, connector, tmp_path, monkeypatch):
    """The encoder looks anew at the batches of the first steps, and the loss of the last of them is the recorded one.

    Noise of 5 % in what is seen moves that loss by up to 1e-4; 5 % more learning rate by 0.013.
    """
    require_installed(WHEELS[ENCODERS[encoder].backbone])
    monkeypatch.setattr(recording, "features_of", lambda encoder: Features(ENCODERS[encoder], look, tmp_path))
    run = RECORD.runs(encoder, connector)[0]

    assert EXPERIMENT.first_loss(case_of(run, RECORD.record)) == pytest.approx(run["first_loss"], abs=1e-3)
    assert len(list(tmp_path.rglob("*.safetensors"))) == FIRST


@pytest.mark.parametrize(("encoder", "connector"), CELLS)
def test_a_cell_has_its_seeds_at_the_rate_that_its_pilots_chose(encoder, connector):
    pilots = [run for run in RECORD.record["pilots"] if Cell.of(run) == (encoder, connector)]
    runs = RECORD.runs(encoder, connector)

    assert [run["learning_rate"] for run in pilots] == list(RATES)
    assert {run["learning_rate"] for run in runs} == {recording.chosen_rate(pilots)}
    assert [run["seed"] for run in runs] == [0, 1, 2]
    assert {run["pictures"] for run in (*pilots, *runs)} == {RECORD.record["pictures"]}


def test_the_record_counts_what_is_missing():
    planned = sum(len(cells) for cells in ROUNDS) * 3

    assert RECORD.record["missing"] == planned - len(RECORD.record["runs"])
    assert np.isfinite([run["accuracy"] for run in RECORD.record["runs"]]).all()


@pytest.mark.parametrize(("encoder", "connector"), CELLS)
def test_with_another_picture_nothing_is_left_but_the_question(encoder, connector):
    blind = RECORD.accuracy(encoder, connector, "picture_blind")
    errors = RECORD.accuracy(encoder, connector, "standard_error").max()

    assert (blind.mean(axis=0) < RECORD.guessing + 5 * errors).all()


@pytest.mark.parametrize(("encoder", "connector"), RECORD.shipped())
def test_a_shipped_model_answers_scenes_as_it_was_recorded(encoder, connector):
    """With the real encoder in front, on some of the first of the recorded test scenes."""
    require_installed(WHEELS[ENCODERS[encoder].backbone])
    scenes = make_batch(BATCH, (TEST_SEED, 0), pairs=~HELD_OUT)
    some = SceneBatch(*(part[::4] for part in scenes))
    batch = some._replace(pictures=look(ENCODERS[encoder], some.pictures))
    behind, scene = (
        load_behind(encoder, connector),
        Scene.parse("red circle at row 2, column 2; blue square at row 5, column 5"),
    )
    share = family_means(right_answers(behind, batch), batch.family)
    recorded = np.array(RECORD.runs(encoder, connector)[0]["accuracy"])
    whole, kept = load_vlm(encoder, connector), look(ENCODERS[encoder], draw_scene(scene)[None])
    question = "is red left of blue ?"

    assert abs(share.mean() - recorded.mean()) < 0.15
    assert whole.answer(draw_scene(scene), question) == pytest.approx(behind.answer(kept[0], question), abs=1e-5)
    assert not any(parameter.requires_grad for parameter in whole.encoder.parameters())


def test_what_is_not_shipped_is_refused():
    with pytest.raises(ValueError, match=r"no trained model 'cnn/film'; expected one of cnn/cross-attention"):
        load_behind("cnn", "film")
