"""The matrix: one language model, one set of questions; the image encoder and the connector are swapped."""

from vlmteach.experiments.matrix.live import LIVE_CELL, LIVE_RECIPE
from vlmteach.experiments.matrix.models import CONNECTORS, ENCODERS, build_model
from vlmteach.experiments.matrix.results import MatrixResults, load_results, load_trained

__all__ = [
    "CONNECTORS",
    "ENCODERS",
    "LIVE_CELL",
    "LIVE_RECIPE",
    "MatrixResults",
    "build_model",
    "load_results",
    "load_trained",
]
