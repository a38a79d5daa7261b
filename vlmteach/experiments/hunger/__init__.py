"""Data hunger: how many pictures an encoder needs before what it learned holds for new ones."""

from vlmteach.experiments.hunger.results import HungerResults, load_results

__all__ = ["HungerResults", "load_results"]
