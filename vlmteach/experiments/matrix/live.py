"""The run a lesson trains in front of a student: a cell of the matrix, learned in about a minute."""

from __future__ import annotations

from dataclasses import replace

from vlmteach.experiments.matrix.train import RECIPE

LIVE_CELL = ("cnn-small", "cross-attention")
# The matrix's recipe, less than a quarter as long: enough for this cell to answer most questions of every family.
LIVE_RECIPE = replace(RECIPE, steps=440, learning_rate=4e-3, warmup=50, decay=0.5)
