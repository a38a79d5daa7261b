"""Measure any network: these functions take any nn.Module, return numbers and never draw."""

from vlmteach.probes.distance import weighted_distance

__all__ = [
    "weighted_distance",
]
