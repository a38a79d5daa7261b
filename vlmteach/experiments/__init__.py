"""Recorded comparisons: what is trained, on what, with which seeds."""

from vlmteach.experiments.curves import LEVEL, steps_to

__all__ = ["LEVEL", "steps_to"]
