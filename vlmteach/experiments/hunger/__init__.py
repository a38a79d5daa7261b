"""Data hunger: how many pictures an eye needs before what it learned holds for new ones."""

from vlmteach.experiments.hunger.results import HungerResults, load_results

__all__ = ["HungerResults", "load_results"]
