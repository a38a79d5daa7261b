"""Cost: what a larger picture costs, and what a connector can do about it."""

from vlmteach.experiments.cost.results import QUANTITIES, CostResults, load_results

__all__ = ["QUANTITIES", "CostResults", "load_results"]
