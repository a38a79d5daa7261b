"""Which runs the matrix is made of, and at which learning rates."""

from dataclasses import replace

import pytest

from vlmteach.experiments import LEVEL
from vlmteach.experiments.matrix.models import MATRIX_CONNECTORS, MATRIX_ENCODERS
from vlmteach.experiments.matrix.record import (
    CELLS,
    COMPARED,
    CONTROLS,
    LONGER,
    RATES,
    SHIPPED,
    WAYS,
    Cell,
    case_of,
    chosen_rate,
    needs_longer,
)
from vlmteach.experiments.matrix.run import Case
from vlmteach.experiments.matrix.train import RECIPE


def pilot(rate, *loss):
    return {"learning_rate": rate, "loss": list(loss)}


def attributes(*shares):
    return [{"accuracy": [share, 0, 0, 0, 0, 0]} for share in shares]


def test_every_encoder_meets_every_connector_and_what_the_course_says_most_about_comes_first():
    assert sorted(CELLS) == sorted(Cell(encoder, way) for encoder in COMPARED for way in WAYS)
    assert [cell.connector for cell in CELLS[:10]] == ["prefix", "deep-prefix"] * 5
    assert set(WAYS) == set(MATRIX_CONNECTORS)
    assert len(COMPARED) == 5


def test_a_control_has_no_positions_and_the_rate_of_a_cell_that_is_compared():
    assert {control.encoder for control in CONTROLS} - set(COMPARED) == set(MATRIX_ENCODERS) - set(COMPARED)
    assert all(not control.positions and cell in CELLS for control, cell in CONTROLS.items())
    assert all(control.connector == cell.connector for control, cell in CONTROLS.items())
    assert {*SHIPPED} <= {*CELLS, *CONTROLS}


def test_every_cell_tries_every_rate_for_a_third_of_the_length():
    pilots = Cell("vit", "prefix").pilots()

    assert tuple(case.recipe.learning_rate for case in pilots) == RATES == (5e-4, 1e-3, 2e-3, 4e-3)
    assert {case[:4] for case in pilots} == {("vit", "prefix", True, 0)}
    assert {replace(case.recipe, learning_rate=1) for case in pilots} == {replace(RECIPE, steps=600, learning_rate=1)}


def test_every_cell_has_three_seeds_by_one_recipe_but_for_the_rate():
    seeds, longer = Cell("vit", "vector", False).seeds(5e-4), Cell("vit", "vector", False).seeds(5e-4, LONGER)

    assert [case[:4] for case in seeds] == [("vit", "vector", False, seed) for seed in (0, 1, 2)]
    assert {case.recipe for case in seeds} == {replace(RECIPE, learning_rate=5e-4)}
    assert {case.recipe for case in longer} == {replace(RECIPE, learning_rate=5e-4, steps=4000)}


@pytest.mark.parametrize(
    ("pilots", "rate"),
    [
        ([pilot(1e-3, 9, 0.3), pilot(2e-3, 9, 0.1), pilot(4e-3, 9, 0.2)], 2e-3),
        ([pilot(1e-3, 0.1, 0.3), pilot(2e-3, 0.5, 0.2)], 2e-3),  # the end counts
    ],
)
def test_the_rate_with_the_lowest_last_loss_is_chosen(pilots, rate):
    assert chosen_rate(pilots) == rate


@pytest.mark.parametrize(
    ("runs", "longer"),
    [
        (attributes(1, 1, 1), False),
        (attributes(LEVEL, LEVEL, LEVEL), False),
        (attributes(1, LEVEL - 1e-4, 1), True),
        (attributes(0.2, 0.3, 0.1), True),
    ],
)
def test_a_cell_needs_more_steps_when_one_seed_does_not_know_its_attributes(runs, longer):
    assert needs_longer(runs) is longer


def test_every_case_has_a_name_of_its_own():
    cells = [*CELLS, *CONTROLS]
    cases = [case for cell in cells for rate in RATES for longer in (1, 2) for case in cell.seeds(rate, longer)]
    cases += [case for cell in cells for case in cell.pilots()]

    assert len({case.name for case in cases}) == len(cases)
    assert Case("cnn-small", "vector", False, 0, RECIPE).name == "cnn-small-vector-bare-2000-0.002-0"
    assert Case("cnn-large", "prefix", True, 1, RECIPE).name == "cnn-large-prefix-2000-0.002-1"


@pytest.mark.parametrize("case", [*Cell("vit", "prefix").pilots()[:1], *Cell("vit", "vector", False).seeds(4e-3, 2)])
def test_a_recorded_run_leads_back_to_its_case(case):
    length, rate = case.recipe.steps, case.recipe.learning_rate
    run = {**dict(zip(("encoder", "connector", "positions", "seed"), case[:4], strict=True))}
    recipe = {"steps": 2000, "warmup": 100, "beta2": 0.98}

    assert case_of({**run, "steps": length, "learning_rate": rate}, {"recipe": recipe}) == case
