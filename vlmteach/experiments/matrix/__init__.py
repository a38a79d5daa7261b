"""The matrix: one language model, one set of questions; the image encoder and the connector are swapped."""

from vlmteach.experiments.matrix.live import LIVE_CELL, LIVE_RECIPE
from vlmteach.experiments.matrix.models import CONNECTORS, ENCODERS, build_model
from vlmteach.experiments.matrix.results import MatrixResults, load_results, load_trained
from vlmteach.experiments.matrix.train import (
    HELD_OUT,
    TEST_SEED,
    family_means,
    held_out_questions,
    right_answers,
    training_pictures,
)

__all__ = [
    "CONNECTORS",
    "ENCODERS",
    "HELD_OUT",
    "LIVE_CELL",
    "LIVE_RECIPE",
    "TEST_SEED",
    "MatrixResults",
    "build_model",
    "family_means",
    "held_out_questions",
    "load_results",
    "load_trained",
    "right_answers",
    "training_pictures",
]
