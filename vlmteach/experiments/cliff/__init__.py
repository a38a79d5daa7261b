"""The cliff: a token names the colour of a square some cells away. Where a receptive field ends, accuracy falls off.

Two things are shown here, and they are not of one kind. Beyond its field a token cannot beat chance: that is a theorem,
and the recorded numbers only check the probe that computes the field. That it reaches 95 % inside its field, and after
how many steps, is a measurement.
"""

from vlmteach.experiments.cliff.encoders import CLIFF_ENCODERS, MarkerReadOut, build_cliff_model
from vlmteach.experiments.cliff.field import INSIDE, OUTSIDE, PARTLY, Field, exact_field, where
from vlmteach.experiments.cliff.results import DISTANCE, CliffResults, load_cliff_model, load_results
from vlmteach.experiments.cliff.train import (
    CHANCE,
    LIVE_RECIPE,
    RECIPE,
    CliffLoss,
    cliff_batches,
    count_right,
)

__all__ = [
    "CHANCE",
    "CLIFF_ENCODERS",
    "DISTANCE",
    "INSIDE",
    "LIVE_RECIPE",
    "OUTSIDE",
    "PARTLY",
    "RECIPE",
    "CliffLoss",
    "CliffResults",
    "Field",
    "MarkerReadOut",
    "build_cliff_model",
    "cliff_batches",
    "count_right",
    "exact_field",
    "load_cliff_model",
    "load_results",
    "where",
]
