"""Which runs the matrix is made of, and at which learning rates."""

import pytest

from vlmteach.experiments.matrix.models import CONNECTORS, ENCODERS
from vlmteach.experiments.matrix.record import (
    COMPARED,
    RATE_OF,
    RATES,
    WAYS,
    Case,
    all_cases,
    chosen_rates,
    follow_ups,
    pilot_cases,
)
from vlmteach.experiments.matrix.train import RECIPE

EQUAL_RATES = dict.fromkeys(ENCODERS, 1e-3)


def test_every_encoder_tries_every_rate_for_a_third_of_the_length():
    pilots = pilot_cases()

    assert [(case.encoder, case.recipe.learning_rate) for case in pilots] == [(e, r) for e in COMPARED for r in RATES]
    assert {(case.connector, case.positions, case.seed, case.recipe.steps) for case in pilots} == {
        ("cross-attention", True, 0, 600)
    }


def test_the_rate_with_the_lowest_last_loss_is_chosen_and_controls_follow():
    best = dict(zip(COMPARED, (1e-3, 4e-3, 2e-3, 4e-3, 1e-3), strict=True))
    pilots = [
        {
            "encoder": case.encoder,
            "learning_rate": case.recipe.learning_rate,
            "loss": [9, 0.1 if case.recipe.learning_rate == best[case.encoder] else 0.2],
        }
        for case in pilot_cases()
    ]
    rates = chosen_rates(pilots)

    assert rates == {**best, "cnn-small-zeros": 1e-3, "vit-bag": 1e-3}
    assert set(rates) == set(ENCODERS)
    assert set(RATE_OF) == set(ENCODERS) - set(COMPARED)


def test_the_matrix_is_full_and_claims_come_first_with_three_seeds():
    cases = all_cases(EQUAL_RATES)
    seeds = {}
    for case in cases:
        seeds.setdefault((case.encoder, case.connector, case.positions), []).append(case.seed)
    claims = [cell for cell, drawn in seeds.items() if drawn == [0, 1, 2]]

    assert {cell for cell in seeds if cell[2]} == {(eye, way, True) for eye in COMPARED for way in WAYS}
    assert len(COMPARED) >= 5
    assert len(WAYS) >= 4
    assert set(WAYS) <= set(CONNECTORS)
    assert 1 <= len(claims) <= 8
    assert all(drawn == [0] for cell, drawn in seeds.items() if cell not in claims)
    assert [(c.encoder, c.connector, c.positions) for c in cases[: 3 * len(claims)]] == [
        x for x in claims for _ in "123"
    ]
    assert {("cnn-small", "vector", False), ("vit-bag", "cross-attention", False)} <= set(claims)


def test_a_follow_up_changes_one_thing_of_a_cell_of_the_matrix_by_a_factor_of_three():
    rates = {name: 0.001 * (number + 1) for number, name in enumerate(ENCODERS)}
    cells = {case[:4]: case.recipe for case in all_cases(rates)}
    for case in follow_ups(rates):
        before = cells[case[:4]]
        changes = (case.recipe.steps / before.steps, case.recipe.learning_rate / before.learning_rate)
        assert sorted(changes) in ([pytest.approx(1 / 3), 1], [1, pytest.approx(3)])


def test_every_case_has_a_name_of_its_own_and_the_rate_of_its_encoder():
    rates = {name: 0.001 * (number + 1) for number, name in enumerate(ENCODERS)}
    cases = pilot_cases() + all_cases(rates) + follow_ups(rates)

    assert len({case.name for case in cases}) == len(cases)
    assert all(case.recipe.learning_rate == rates[case.encoder] for case in all_cases(rates))
    assert Case("cnn-small", "vector", False, 0, RECIPE).name == "cnn-small-vector-bare-2000-0.002-0"
    assert Case("cnn-large", "prefix", True, 1, RECIPE).name == "cnn-large-prefix-2000-0.002-1"
