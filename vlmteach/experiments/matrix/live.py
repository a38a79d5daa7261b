"""The run a lesson trains in front of a student: a cell of the matrix, learned in about a minute."""

from __future__ import annotations

from dataclasses import replace

from vlmteach.experiments.matrix.train import RECIPE

LIVE_CELL = ("cnn-small", "cross-attention")
# The matrix's recipe, about a third as long: enough for this cell to answer every family of questions.
LIVE_RECIPE = replace(RECIPE, steps=700, learning_rate=4e-3)
