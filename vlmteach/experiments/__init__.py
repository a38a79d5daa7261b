"""Recorded comparisons: what is trained, on what, with which seeds."""

from vlmteach.experiments.grading import LEVEL, TEST_SEED, steps_to

__all__ = ["LEVEL", "TEST_SEED", "steps_to"]
