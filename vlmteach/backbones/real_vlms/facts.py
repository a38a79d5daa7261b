"""What is known about the configurations of real vision-language models: each value with the file where it was read.

The values stand in facts.json. A value that could not be read is not there; the library's default is used in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

FOR = ("config", "image_processor")


@dataclass(frozen=True)
class Source:
    """A file in which values were read. repository: owner/name on GitHub, or huggingface.co/owner/name."""

    repository: str
    file: str


@dataclass(frozen=True)
class Published:
    """A figure that the makers publish, to compare a computed one with, and the file where it was read."""

    what: str
    value: int | float
    source: Source


@dataclass(frozen=True)
class RealVLM:
    """One real system, as the library `transformers` builds it.

    model, config, image_processor: names of the library's classes.
    encoder, connector, language_model: the modules (of a connector also parameters) by name; no encoder: it has none.
    tiling: what is done to a picture before it is cut into patches, in words.
    values: "config.…" or "image_processor.…" -> what was read, nested fields joined by dots. sources: the same names ->
    the file. published: figures of its makers.
    """

    name: str
    title: str
    year: int
    model: str
    config: str
    image_processor: str
    encoder: str | None
    connector: tuple[str, ...]
    language_model: str
    tiling: str
    values: Mapping[str, Any]
    sources: Mapping[str, Source]
    published: tuple[Published, ...]

    def options(self, of: str) -> dict[str, Any]:
        """The values for "config" or "image_processor", nested as the library's class takes them."""
        nested: dict[str, Any] = {}
        for name, value in self.values.items():
            first, *path, last = name.split(".")
            if first == of:
                place = nested
                for step in path:
                    place = place.setdefault(step, {})
                place[last] = value
        return nested


def read_real_vlms(data: Mapping[str, Any]) -> dict[str, RealVLM]:
    """Check the entries and make them. Raises ValueError for the first that is incomplete, naming system and field."""
    return {name: _read(name, entry) for name, entry in data.items()}


@cache
def load_real_vlms() -> Mapping[str, RealVLM]:
    """The systems of facts.json."""
    text = (resources.files("vlmteach.backbones.real_vlms") / "facts.json").read_text(encoding="utf-8")
    return MappingProxyType(read_real_vlms(json.loads(text)))


def _read(name: str, entry: Mapping[str, Any]) -> RealVLM:
    given = {field.name for field in fields(RealVLM)} - {"name", "values", "sources"} | {"facts"}
    if set(entry) != given:
        raise ValueError(
            f"{name}: missing {sorted(given - set(entry))}, unknown {sorted(set(entry) - given)}; "
            f"expected exactly {sorted(given)}."
        )
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for fact in entry["facts"]:
        source = _source(name, fact)
        for place, value in fact["values"].items():
            if place.partition(".")[0] not in FOR:
                raise ValueError(
                    f"{name}: {place!r} is for nothing; expected a name that begins with {' or '.join(FOR)}."
                )
            if place in values:
                raise ValueError(f"{name}: {place!r} stands in two files; expected every value once.")
            values[place], sources[place] = value, source
    published = tuple(Published(said["what"], said["value"], _source(name, said)) for said in entry["published"])
    plain = {key: value for key, value in entry.items() if key not in ("facts", "connector", "published")}
    return RealVLM(
        name, **plain, connector=tuple(entry["connector"]), values=values, sources=sources, published=published
    )


def _source(name: str, fact: Mapping[str, Any]) -> Source:
    repository, file = fact.get("repository", ""), fact.get("file", "")
    if repository.count("/") != (2 if repository.startswith("huggingface.co/") else 1) or not file:
        raise ValueError(
            f"{name}: {repository!r}, {file!r} is no place to look; expected owner/name, or huggingface.co/owner/name, "
            "and a file."
        )
    return Source(repository, file)
