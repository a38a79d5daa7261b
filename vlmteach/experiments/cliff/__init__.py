"""The cliff: a token names the colour of a square some cells away. Where a receptive field ends, accuracy falls off.

Two things are shown here, and they are not of one kind. Beyond its field a token cannot beat chance: that is a theorem,
and the recorded numbers only check the probe that computes the field. That it reaches 95 % inside its field, and after
how many steps, is a measurement.
"""

from vlmteach.experiments.cliff.encoders import ENCODERS, MarkerReadOut, build_model
from vlmteach.experiments.cliff.field import INSIDE, OUTSIDE, PARTLY, Field, exact_field, where
from vlmteach.experiments.cliff.results import DISTANCE, CliffResults, load_results, load_trained
from vlmteach.experiments.cliff.train import (
    CHANCE,
    LIVE_RECIPE,
    RECIPE,
    GradedLoss,
    count_right,
    training_pictures,
)

__all__ = [
    "CHANCE",
    "DISTANCE",
    "ENCODERS",
    "INSIDE",
    "LIVE_RECIPE",
    "OUTSIDE",
    "PARTLY",
    "RECIPE",
    "CliffResults",
    "Field",
    "GradedLoss",
    "MarkerReadOut",
    "build_model",
    "count_right",
    "exact_field",
    "load_results",
    "load_trained",
    "training_pictures",
    "where",
]
