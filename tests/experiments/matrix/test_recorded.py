"""What the course claims about the matrix, checked on the recorded numbers and on the trained models."""

import json
from typing import NamedTuple

import numpy as np
import pytest
import torch
from support.blind import asked_of, chance_above, seeing_rate

from vlmteach.experiments import LEVEL, TEST_SEED
from vlmteach.experiments.matrix import MATRIX_ENCODERS, load_results, load_vlm
from vlmteach.experiments.matrix.record import (
    CELLS,
    COMPARED,
    CONTROLS,
    EXPERIMENT,
    LONGER,
    RATES,
    WAYS,
    Cell,
    case_of,
    chosen_rate,
    needs_longer,
)
from vlmteach.experiments.matrix.train import (
    BATCH,
    HELD_OUT,
    RECIPE,
    TESTED,
    family_means,
    right_answers,
)
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS
from vlmteach.pictures import Scene, draw_scene
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.scenes.guessing import shuffle_questions
from vlmteach.pictures.scenes.sampling import far_scenes, near_scenes
from vlmteach.training import Recipe, one_thread

RECORDED = load_results()
RECORDED_CELLS = sorted({(run["encoder"], run["connector"], run["positions"]) for run in RECORDED.record["runs"]})
THEOREM = [("cnn-small", "vector", False), ("vit-bag", "cross-attention", False)]
LEAK = ("cnn-small-zeros", "vector", False)
POSSIBLE = [cell for cell in RECORDED_CELLS if cell[1:] == ("cross-attention", True)]
PREFIX = [cell for cell in RECORDED_CELLS if cell[1] in ("prefix", "deep-prefix")]
OWN_RATE = [cell for cell in RECORDED_CELLS if cell not in CONTROLS]
ONE_VECTOR = [cell for cell in OWN_RATE if cell[1] in ("vector", "attention-pool")]
SHIPPED = [tuple(key.split("/")) for key in RECORDED.record["checkpoints"]]
ATTRIBUTE, COUNT, WHERE, NEAR, FAR, SAME = range(len(QUESTION_FAMILIES))


class Floors(NamedTuple):
    """Rates by family, (6,): of guessing, of who sees the scene and not the question; each with what chance may add."""

    guessing: np.ndarray
    seeing_rate: np.ndarray
    seeing: np.ndarray


@pytest.fixture(scope="module")
def floors():
    asked = asked_of(make_batch(TESTED, TEST_SEED, pairs=~HELD_OUT))
    seen = seeing_rate(near_scenes(20_000, TEST_SEED)[0], far_scenes(20_000, TEST_SEED))
    return Floors(chance_above(RECORDED.guessing, asked), seen, chance_above(seen, asked))


def columns(cell, key):
    """(seeds, 6): one list of every run of a cell."""
    return np.array([run[key] for run in RECORDED.runs(*cell)])


@pytest.mark.parametrize("cell", [("cnn-small", "cross-attention", True), THEOREM[1]], ids=str)
def test_a_recorded_run_starts_the_same_way_today(cell):
    """The code has not drifted from what made the record: twenty steps of it land on the recorded loss.

    Noise of 1e-6 in every product moves that loss by less than 1e-6 here; 5 % more learning rate move it by 0.03, a
    weight decay ten times as strong by 0.001.
    """
    run = RECORDED.runs(*cell)[-1]

    assert EXPERIMENT.first_loss(case_of(run, RECORDED.record)) == pytest.approx(run["first_loss"], abs=3e-4)


def test_the_record_says_how_it_was_made():
    record = RECORDED.record

    assert Recipe(**record["recipe"]) == RECIPE
    assert (record["batch"], record["tested"], record["level"]) == (BATCH, TESTED, LEVEL)
    assert record["families"] == list(QUESTION_FAMILIES)
    assert {"python", "torch", "numpy", "vlmteach"} <= record["versions"].keys()
    assert all(len(digest) == 64 for digest in record["code"].values())
    assert {"vlmteach.nn.vlm", "vlmteach.pictures.scenes.questions", "vlmteach.training.loop"} <= record["code"].keys()
    assert all(run["seconds"] > 0 for run in record["runs"])


def test_the_record_is_plain_json():
    json.loads((RESULTS / "matrix.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the record"))


def test_every_encoder_meets_every_connector():
    ways = list(RECORDED.record["connectors"])
    assert ways == list(WAYS)
    assert RECORDED.table(list(COMPARED), ways).shape == (len(COMPARED), len(ways), 6)


def test_every_cell_of_the_plan_is_recorded_with_three_seeds():
    assert set(RECORDED_CELLS) == {*CELLS, *CONTROLS}
    assert set(CONTROLS) == {*THEOREM, LEAK}
    assert all([run["seed"] for run in RECORDED.runs(*cell)] == [0, 1, 2] for cell in RECORDED_CELLS)


@pytest.mark.parametrize("name", MATRIX_ENCODERS)
def test_the_record_describes_the_encoders_of_today(name):
    assert RECORDED.encoder_title(name) == MATRIX_ENCODERS[name].title
    assert RECORDED.parameters(name) == sum(
        parameter.numel() for parameter in MATRIX_ENCODERS[name].build().parameters()
    )


def test_half_of_all_relations_can_be_guessed_and_a_sixth_of_all_places():
    assert RECORDED.guessing[[NEAR, FAR, SAME]] == pytest.approx([1 / 2] * 3, abs=0.04)
    assert RECORDED.guessing[[COUNT, WHERE]] == pytest.approx([1 / 4, 1 / 6], abs=0.01)
    assert (RECORDED.guessing >= [0.2, 1 / 4, 1 / 6, 1 / 2, 1 / 2, 1 / 2]).all()


@pytest.mark.parametrize("cell", RECORDED_CELLS, ids=str)
def test_a_model_that_is_shown_another_picture_only_guesses(cell, floors):
    assert (columns(cell, "picture_blind") <= floors.guessing).all()


@pytest.mark.parametrize("cell", RECORDED_CELLS, ids=str)
def test_a_model_that_is_asked_another_question_knows_no_more_than_who_sees_the_scene(cell, floors):
    blind = columns(cell, "question_blind")

    assert (blind <= floors.seeing).all()
    assert (blind[:, [NEAR, FAR]] <= floors.guessing[[NEAR, FAR]]).all()


@pytest.mark.parametrize("cell", THEOREM, ids=str)
def test_what_the_theorem_forbids_is_at_chance(cell, floors):
    """Where things are, and how far ones lie, cannot be told from a bag; what there is can."""
    accuracy = columns(cell, "accuracy")

    assert (accuracy[:, [WHERE, FAR]] <= floors.guessing[[WHERE, FAR]]).all()
    assert (accuracy[:, FAR] >= 1 - floors.guessing[FAR]).all()
    assert (accuracy[:, [COUNT, SAME]].max(axis=0) >= RECORDED.guessing[[COUNT, SAME]] + 0.3).all()
    assert np.isnan(RECORDED.steps_to_level(RECORDED.runs(*cell))[:, [WHERE, FAR]]).all()


def test_a_bag_of_patches_knows_nothing_of_near_relations_either(floors):
    assert (columns(THEOREM[1], "accuracy")[:, NEAR] <= floors.guessing[NEAR]).all()


def test_zero_padding_leaks_where_things_are(floors):
    leaked = columns(LEAK, "accuracy")[:, WHERE]

    assert leaked.min() > floors.guessing[WHERE] + 0.1
    assert leaked.min() > columns(THEOREM[0], "accuracy")[:, WHERE].max() + 0.1


@pytest.mark.parametrize("cell", POSSIBLE, ids=str)
def test_what_is_possible_is_learned_by_every_seed(cell):
    assert columns(cell, "accuracy").min() > 0.95
    assert np.isfinite(RECORDED.steps_to_level(RECORDED.runs(*cell))).all()


@pytest.mark.parametrize("cell", OWN_RATE, ids=str)
def test_a_cell_has_the_rate_that_learned_most_in_its_own_short_runs(cell):
    pilots = RECORDED.runs(*cell, kind="pilots")
    assert [run["learning_rate"] for run in pilots] == list(RATES)
    assert {run["learning_rate"] for run in RECORDED.runs(*cell)} == {chosen_rate(pilots)}


@pytest.mark.parametrize("cell", PREFIX, ids=str)
def test_a_plain_prefix_is_enough_for_attributes(cell):
    assert columns(cell, "accuracy")[:, ATTRIBUTE].min() > LEVEL


@pytest.mark.parametrize("encoder", ["cnn-small", "vit"])
def test_a_plain_prefix_is_enough_for_places(encoder):
    assert columns((encoder, "prefix", True), "accuracy")[:, WHERE].min() > LEVEL


def test_a_prefix_serves_a_cnn_no_worse_than_a_vit():
    """With a prefix, neither encoder's far relations are certain, and their seeds lie in one range."""
    cnn, vit = (columns((encoder, "prefix", True), "accuracy")[:, FAR] for encoder in ("cnn-small", "vit"))

    assert max(cnn.min(), vit.min()) < LEVEL
    assert cnn.min() < vit.max()
    assert vit.min() < cnn.max()


def test_with_a_prefix_few_seeds_relate_far_things_with_one_more_layer_most_and_with_cross_attention_all(floors):
    prefix, deeper, crossed = (
        np.concatenate([RECORDED.seeds(encoder, way, "far relation") for encoder in COMPARED])
        for way in ("prefix", "deep-prefix", "cross-attention")
    )

    assert len(prefix) == len(deeper) == 3 * len(COMPARED)
    assert (prefix >= LEVEL).mean() < 0.5 < (deeper >= LEVEL).mean() < 1
    assert (crossed >= LEVEL).all()
    assert (prefix <= floors.guessing[FAR]).sum() == 1


def test_to_compare_shapes_one_more_layer_brings_little_and_cross_attention_all():
    prefix, deeper, crossed = (
        np.concatenate([RECORDED.seeds(encoder, way, "same far") for encoder in COMPARED]) >= LEVEL
        for way in ("prefix", "deep-prefix", "cross-attention")
    )

    assert prefix.sum() <= deeper.sum() <= prefix.sum() + 1
    assert crossed.all()


def test_with_one_more_layer_a_few_seeds_miss_the_level_far_relations_behind_cnns_same_far_mostly_behind_attention():
    far, same = (
        {encoder: (RECORDED.seeds(encoder, "deep-prefix", family) < LEVEL).sum() for encoder in COMPARED}
        for family in ("far relation", "same far")
    )
    convolutions = {"cnn-small", "cnn-large"}  # the field of the large one is the whole board

    assert {encoder: count for encoder, count in far.items() if count} == {"cnn-small": 1, "cnn-large": 1}
    assert sum(same.values()) == 4
    assert sum(same[encoder] for encoder in convolutions) == 1
    assert same["vit"] == 2
    rates = {RECORDED.runs("vit", way)[0]["learning_rate"] for way in ("deep-prefix", "cross-attention")}
    assert len(rates) == 2


def test_over_all_encoders_one_more_layer_closes_most_of_the_gap_in_far_relations():
    prefix, deeper, crossed = (
        np.mean([RECORDED.seeds(encoder, way, "far relation") for encoder in COMPARED])
        for way in ("prefix", "deep-prefix", "cross-attention")
    )

    assert 0.6 < (deeper - prefix) / (crossed - prefix) < 0.9


def test_with_a_prefix_far_relations_are_hardly_behind_near_ones_and_behind_the_smallest_field_never_ahead():
    ahead = np.concatenate([np.diff(columns((one, "prefix", True), "accuracy")[:, [NEAR, FAR]]) for one in COMPARED])

    by_encoder = dict(zip(COMPARED, ahead.reshape(len(COMPARED), -1), strict=True))
    assert ahead.min() > -0.03
    assert (by_encoder["cnn-small"] <= 0).all()
    assert (by_encoder["conv-stem-vit"] > 0.03).all()


def test_the_vit_and_the_smallest_cnn_come_to_far_relations_in_no_order_and_the_stem_later_than_every_cnn():
    steps = {one: RECORDED.reached(one, "cross-attention", "far relation")[0] for one in COMPARED}
    cnns = np.concatenate([steps[one] for one in ("cnn-small", "cnn-large", "cnn-attention")])

    assert (steps["vit"] > cnns.max()).sum() == 2
    assert steps["vit"].min() == cnns.min() == steps["cnn-small"].min()
    assert steps["conv-stem-vit"].min() > cnns.max()
    rate = {one: RECORDED.runs(one, "cross-attention")[0]["learning_rate"] for one in COMPARED}
    assert {rate[one] for one in ("cnn-small", "cnn-large", "cnn-attention")} == {2 * rate["conv-stem-vit"]}


@pytest.mark.parametrize("cell", ONE_VECTOR, ids=str)
def test_one_vector_holds_what_there_is_and_how_often_but_neither_near_nor_far_relations(cell, floors):
    accuracy = columns(cell, "accuracy")

    assert accuracy[:, [ATTRIBUTE, COUNT]].mean(axis=0).min() >= LEVEL
    assert (accuracy[:, [NEAR, FAR]] <= floors.guessing[[NEAR, FAR]]).all()


@pytest.mark.parametrize("cell", ONE_VECTOR, ids=str)
def test_one_vector_tells_where_things_are_about_half_of_the_time_behind_one_encoder_and_hardly_behind_others(cell):
    where = columns(cell, "accuracy")[:, WHERE]
    if cell[0] == "conv-stem-vit":
        assert 0.5 < where.min() <= where.max() < 0.57
    else:
        assert where.max() < 0.27


def test_behind_the_resampler_far_relations_begin_in_one_seed_which_is_still_rising_at_the_end():
    runs = [run for encoder in COMPARED for run in RECORDED.runs(encoder, "resampler")]

    (begun,) = (run for run in runs if run["accuracy"][FAR] > RECORDED.luck("far relation"))
    (_, curve) = RECORDED.learning([begun])
    assert np.diff(curve[0, [-12, -6, -1], FAR]).min() > 0.03
    assert {Cell.of(run)[:2] for run in runs}.isdisjoint(RECORDED.retrained())


def test_behind_the_stem_both_vectors_have_the_lowest_rate_that_was_tried():
    chosen = {cell: RECORDED.runs(*cell)[0]["learning_rate"] for cell in ONE_VECTOR}

    assert {cell[0] for cell, rate in chosen.items() if rate == min(RATES)} == {"conv-stem-vit"}
    assert sum(rate == min(RATES) for rate in chosen.values()) == 2


@pytest.mark.parametrize("way", ["vector", "attention-pool"])
def test_one_vector_learns_most_attributes_at_the_two_lowest_rates_and_least_at_the_highest(way):
    pilots = np.mean([RECORDED.seeds(one, way, "attribute", kind="pilots") for one in COMPARED], axis=0)

    assert pilots[:2].min() > pilots[2] > pilots[3]
    assert [run["learning_rate"] for run in RECORDED.runs("vit", way, kind="pilots")] == sorted(RATES)


@pytest.mark.parametrize("cell", OWN_RATE, ids=str)
def test_a_cell_has_twice_the_steps_exactly_where_a_seed_had_not_learned_attributes(cell):
    shorter = RECORDED.runs(*cell, kind="shorter") if cell[:2] in RECORDED.retrained() else []

    assert {run["steps"] for run in RECORDED.runs(*cell)} == {(LONGER if shorter else 1) * RECIPE.steps}
    assert needs_longer(shorter or RECORDED.runs(*cell)) == bool(shorter)
    assert [run["seed"] for run in shorter] == ([0, 1, 2] if shorter else [])


def test_the_windows_of_learning_belong_to_the_steps():
    for cell in RECORDED_CELLS:
        steps, curves = RECORDED.learning(RECORDED.runs(*cell))
        assert {run["steps"] for run in RECORDED.runs(*cell)} == {steps[-1]}
        assert curves.shape == (3, len(steps), 6)


def test_trained_models_are_small_enough_to_ship():
    assert sum(file.stat().st_size for file in CHECKPOINTS.glob("matrix-*.safetensors")) <= 3_000_000
    assert sum(file.stat().st_size for file in CHECKPOINTS.glob("*.safetensors")) <= 7_000_000


@pytest.fixture(scope="module")
def measured():
    """Accuracy of every shipped model on new scenes, whole and with either side hidden: {cell: (3, 6)}."""
    batch = make_batch(512, TEST_SEED + 7, pairs=~HELD_OUT)
    other_pictures = batch._replace(pictures=batch.pictures.roll(150, dims=0))
    asked = batch, other_pictures, shuffle_questions(batch, seed=1)
    with one_thread():
        accuracy = {
            cell: np.array([family_means(right_answers(load_vlm(*cell), each), each.family) for each in asked])
            for cell in SHIPPED
        }
    return accuracy, asked_of(batch)


def test_a_shipped_model_answers_every_family(measured):
    answering = [cell for cell in SHIPPED if RECORDED.record["checkpoints"]["/".join(cell)]["positions"]]

    assert {("cnn-large", "cross-attention"), ("vit", "cross-attention")} <= set(answering)
    for cell in answering:
        assert measured[0][cell][0].min() >= 0.97, cell


@pytest.mark.parametrize("cell", SHIPPED, ids=str)
def test_a_shipped_model_is_the_recorded_one(measured, cell):
    positions = RECORDED.record["checkpoints"]["/".join(cell)]["positions"]
    run = RECORDED.runs(*cell, positions)[0]
    accuracy, asked = measured
    recorded = np.array(run["accuracy"])

    assert run["seed"] == 0
    assert (abs(accuracy[cell][0] - recorded) <= chance_above(recorded, asked) - recorded + 0.02).all()


@pytest.mark.parametrize("cell", SHIPPED, ids=str)
def test_a_shipped_model_needs_the_picture_and_the_question(measured, cell, floors):
    accuracy, asked = measured
    _, no_picture, no_question = accuracy[cell]

    assert (no_picture <= chance_above(RECORDED.guessing, asked)).all()
    assert (no_question <= chance_above(floors.seeing_rate, asked)).all()
    assert no_question[[NEAR, FAR]].max() <= chance_above(RECORDED.guessing, asked)[[NEAR, FAR]].min()


def test_a_shipped_model_answers_a_question_in_words():
    model = load_vlm("vit", "cross-attention")
    batch = make_batch(4, TEST_SEED + 8, pairs=~HELD_OUT)
    question = model.language_model.tokenizer.decode(batch.words[0, 0])
    answer = model.answer(batch.pictures[0], question)

    assert next(iter(answer)) == model.language_model.tokenizer.words[batch.answers[0, 0]]
    assert torch.tensor(list(answer.values())).sum().item() == pytest.approx(1, abs=1e-5)


def test_in_the_scene_of_lesson_00_the_one_vector_tosses_a_coin_and_gives_every_row_nearly_the_same_chance():
    scene = "red square at row 2, column 2; blue circle at row 5, column 5; yellow triangle at row 5, column 2"
    model, board = load_vlm("cnn-small", "vector"), draw_scene(Scene.parse(scene))
    left, row = (model.answer(board, question) for question in ("is red left of blue ?", "which row is blue ?"))

    assert abs(left["yes"] - left["no"]) < 0.1
    assert all(abs(row[str(number)] - 1 / 6) < 0.02 for number in range(1, 7))
