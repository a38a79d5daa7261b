"""Exact receptive fields of any CNN: interval arithmetic over the graph of the model, without a forward pass."""

from vlmteach.probes.receptive_field.analysis import receptive_field
from vlmteach.probes.receptive_field.errors import UnsupportedOperation, UntraceableModel
from vlmteach.probes.receptive_field.result import ReceptiveField, ReceptiveFields
from vlmteach.probes.receptive_field.rules import register_rule

__all__ = [
    "ReceptiveField",
    "ReceptiveFields",
    "UnsupportedOperation",
    "UntraceableModel",
    "receptive_field",
    "register_rule",
]
