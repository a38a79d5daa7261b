"""Recorded comparisons: what is trained, on what, with which seeds."""
