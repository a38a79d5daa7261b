"""The matrix: one language model, one set of questions; the image encoder and the connector are swapped."""

from vlmteach.experiments.matrix.live import LIVE_CELL, LIVE_RECIPE
from vlmteach.experiments.matrix.models import MATRIX_CONNECTORS, MATRIX_ENCODERS, build_vlm
from vlmteach.experiments.matrix.results import MatrixResults, load_results, load_vlm
from vlmteach.experiments.matrix.train import (
    HELD_OUT,
    family_means,
    held_out_questions,
    right_answers,
    scene_batches,
)

__all__ = [
    "HELD_OUT",
    "LIVE_CELL",
    "LIVE_RECIPE",
    "MATRIX_CONNECTORS",
    "MATRIX_ENCODERS",
    "MatrixResults",
    "build_vlm",
    "family_means",
    "held_out_questions",
    "load_results",
    "load_vlm",
    "right_answers",
    "scene_batches",
]
