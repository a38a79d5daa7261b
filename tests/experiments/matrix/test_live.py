from vlmteach.experiments.matrix import LIVE_CELL, LIVE_RECIPE, MATRIX_CONNECTORS, MATRIX_ENCODERS
from vlmteach.experiments.matrix.train import RECIPE


def test_the_live_run_is_a_cell_of_the_matrix_trained_by_a_shorter_recipe() -> None:
    assert LIVE_CELL[0] in MATRIX_ENCODERS
    assert LIVE_CELL[1] in MATRIX_CONNECTORS
    assert LIVE_RECIPE.steps < RECIPE.steps / 2
    assert LIVE_RECIPE.beta2 == RECIPE.beta2
