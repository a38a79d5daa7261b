"""Modules return one map, or dicts, lists, tuples and data classes of several: each of them gets a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any


def parts_of(thing: Any) -> Iterator[tuple[Any, Any]] | None:
    """Key and value of each part of a container, None for anything else."""
    if isinstance(thing, Mapping):
        return iter(thing.items())
    if isinstance(thing, (tuple, list)):
        return iter(zip(getattr(thing, "_fields", range(len(thing))), thing, strict=True))
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return iter([(field.name, getattr(thing, field.name)) for field in dataclasses.fields(thing)])
    return None


def flatten(thing: Any, kinds: type | tuple[type, ...], name: str = "") -> dict[str, Any]:
    """Everything of these kinds in nested containers, named like "features[0]" and "output[out]"."""
    if isinstance(thing, kinds):
        return {name: thing}
    found: dict[str, Any] = {}
    for key, part in parts_of(thing) or ():
        found |= flatten(part, kinds, f"{name}[{key}]")
    return found
