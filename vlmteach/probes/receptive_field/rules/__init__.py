"""The table of rules. Importing this package fills it; an operation that is not in it is refused, never guessed."""

from vlmteach.probes.receptive_field.rules import (
    elementwise,
    everywhere,
    indexing,
    interpolation,
    layout,
    padding,
    reductions,
    reshape,
    resize,
    same_padding,
    windows,
)
from vlmteach.probes.receptive_field.rules.registry import find_rule, has_rule, register_rule

__all__ = [
    "elementwise",
    "everywhere",
    "find_rule",
    "has_rule",
    "indexing",
    "interpolation",
    "layout",
    "padding",
    "reductions",
    "register_rule",
    "reshape",
    "resize",
    "same_padding",
    "windows",
]
