"""Every kind of number that the course may quote: where it stands in a record, and how it reads in a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vlmteach.course.counter_evidence import Published, load_published
from vlmteach.course.systems import load_systems
from vlmteach.experiments import cliff, cost, hunger, matrix
from vlmteach.experiments.matrix import LEVEL
from vlmteach.nn import TransformerBlock
from vlmteach.pictures.batches import make_batch
from vlmteach.views.learning import reached_in_words

BARE = " bare"  # behind a connector's name: no positions anywhere
SIGMAS = 3


@dataclass(frozen=True)
class Number:
    """A value, and how it reads in a sentence."""

    value: float
    text: str


@dataclass(frozen=True)
class Records:
    """The four recorded experiments, and what others have published."""

    cliff: cliff.CliffResults
    matrix: matrix.MatrixResults
    hunger: hunger.HungerResults
    cost: cost.CostResults
    published: tuple[Published, ...]


def load_records(folder: Path) -> Records:
    """All records of a folder. Raises FileNotFoundError when one is missing."""
    return Records(
        cliff.load_results(folder),
        matrix.load_results(folder),
        hunger.load_results(folder),
        cost.load_results(folder),
        load_published(),
    )


@dataclass(frozen=True)
class Kind:
    """One kind of number. find: from the records and as many words as `parts` to a Number; example: an address."""

    find: Callable[..., Number]
    parts: int
    example: str


def seeds_of(records: Records, encoder: str, connector: str, family: str) -> NDArray[np.float64]:
    """(seeds,): accuracy of one cell of the matrix in one family of questions."""
    return records.matrix.accuracy(encoder, *_way(connector))[:, _family(records, family)]


def _way(connector: str) -> tuple[str, bool]:
    """A connector's name, and whether it adds positions."""
    return connector.removesuffix(BARE), not connector.endswith(BARE)


def _family(records: Records, family: str) -> int:
    families = records.matrix.families
    if family not in families:
        raise ValueError(f"there is no family of questions {family!r}; expected one of {', '.join(families)}.")
    return families.index(family)


def _accuracy(records: Records, encoder: str, connector: str, family: str) -> Number:
    seeds = seeds_of(records, encoder, connector, family)
    spread = f"{len(seeds)} seeds, sd {seeds.std(ddof=1):.2f}" if len(seeds) > 1 else "one seed"
    return Number(float(seeds.mean()), f"{seeds.mean():.2f} ({spread})")


def _learned(records: Records, encoder: str, connector: str, family: str) -> Number:
    """Mean steps until every seed reached the level; infinite when one never did."""
    runs = records.matrix.runs(encoder, *_way(connector))
    steps = records.matrix.steps_to_level(runs)[:, _family(records, family)]
    value = float(steps.mean()) if np.isfinite(steps).all() else math.inf
    return Number(value, reached_in_words(steps, records.matrix.record["recipe"]["steps"], LEVEL))


def _changed(records: Records, encoder: str, connector: str, change: str, family: str) -> Number:
    """What a follow-up of a cell reached; change: more steps, or another learning rate."""
    run = records.matrix.runs(encoder, connector)[0]
    keys = {"steps": "steps", "rate": "learning_rate"}
    what, _, times = change.rpartition(" x ")
    if what not in keys or times not in ("3", "1/3"):
        raise ValueError(f"there is no change {change!r}; expected steps x 3, rate x 3 or rate x 1/3.")
    wanted = {key: run[key] * (float(Fraction(times)) if key == keys[what] else 1) for key in keys.values()}
    for more in records.matrix.follow_ups(encoder, connector):
        if all(math.isclose(more[key], value) for key, value in wanted.items()):
            value = float(more["accuracy"][_family(records, family)])
            return Number(value, f"{value:.2f} ({more['steps']:,} steps at {more['learning_rate']:.2g}, one seed)")
    raise ValueError(f"{encoder} with {connector} was not run again with {change}.")


def _guess(records: Records, family: str) -> Number:
    value = float(records.matrix.guessing[_family(records, family)])
    return Number(value, f"{value:.2f}")


def _luck(records: Records, family: str) -> Number:
    """What somebody who can only guess gets with much luck: the guess rate and three standard deviations."""
    number = _family(records, family)
    guess = float(records.matrix.guessing[number])
    four = make_batch(4, 0)  # the kinds of questions to a picture are always the same
    questions = int((four.family == number).sum()) * records.matrix.record["tested"] / 4
    value = guess + SIGMAS * math.sqrt(guess * (1 - guess) / questions)
    return Number(value, f"{value:.2f}")


def _blind(records: Records, side: str, family: str) -> Number:
    """The mean over all runs of one control; side: "picture" or "question"."""
    key = f"{side}_blind"
    runs = records.matrix.record["runs"]
    if key not in runs[0]:
        raise ValueError(f"nobody was blind to the {side!r}; expected picture or question.")
    values = [run[key][_family(records, family)] for run in runs]
    return Number(float(np.mean(values)), f"{np.mean(values):.2f}")


def _parameters(records: Records, encoder: str) -> Number:
    count = records.matrix.parameters(encoder)
    return Number(count, f"{count:,}")


def _cliff(records: Records, encoder: str, distance: str) -> Number:
    value = float(records.cliff.accuracy_by_distance(encoder)[:, _whole(distance) - 1].mean())
    return Number(value, f"{value:.2f}")


def _cliff_worst(records: Records, side: str, encoder: str) -> Number:
    if side not in ("inside", "outside"):
        raise ValueError(f"a field has no side {side!r}; expected inside or outside.")
    value = records.cliff.worst(encoder)[side == "outside"]
    return Number(value, f"{value:.2f}")


def _cliff_slowdown(records: Records, encoder: str, distance: str) -> Number:
    """How many times the steps of distance 1 it took to learn a distance."""
    steps = records.cliff.steps_to_level(encoder).mean(axis=0)
    value = float(steps[_whole(distance) - 1] / steps[0])
    return Number(value, f"{value:.1f} times the steps")


def _hunger(records: Records, encoder: str, pictures: str, family: str) -> Number:
    sizes, new, _ = records.hunger.curve(encoder)
    found = np.flatnonzero(sizes == _whole(pictures))
    if not len(found):
        raise ValueError(f"there is no set of {pictures} pictures; expected one of {', '.join(map(str, sizes))}.")
    value = float(new[found[0], _family(records, family)])
    return Number(value, f"{value:.2f}")


_UNITS = {
    "tokens": lambda value: f"{value:,.0f}",
    "flops": lambda value: f"{value / 1e6:,.0f} MFLOPs",
    "milliseconds": lambda value: f"{value:.1f} ms",
    "bytes": lambda value: f"{value / 2**20:.1f} MiB",
}


def _curve(records: Records, part: str, quantity: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """An encoder's or a connector's cost; their names differ."""
    own = records.cost.encoder if part in records.cost.encoders else records.cost.connector
    return own(part, quantity)


def _cost(records: Records, part: str, side: str, quantity: str) -> Number:
    sides, values = _curve(records, part, quantity)
    found = np.flatnonzero(sides == _whole(side))
    if not len(found):
        raise ValueError(f"no cost at {side} pixels was recorded; expected one of {', '.join(map(str, sides))}.")
    value = float(values[found[0]])
    return Number(value, _UNITS[quantity](value))


def _growth(records: Records, part: str, small: str, large: str, quantity: str) -> Number:
    """A large picture's cost over a small one's; both named by their sides."""
    value = _cost(records, part, large, quantity).value / _cost(records, part, small, quantity).value
    return Number(value, f"{value:,.0f} times")


def _systems(records: Records, row: str, column: str) -> Number:
    """How many real systems of the course's table stand in a cell, and which; either word may be "any"."""
    names = [
        system.name
        for system in load_systems().systems
        if row in ("any", system.row) and column in ("any", system.column)
    ]
    if not names:
        raise ValueError(f"the table of systems has none in {row!r}, {column!r}.")
    return Number(len(names), ", ".join(names))


def _published(records: Records, model: str, data: str, quantity: str) -> Number:
    found = [entry for entry in records.published if (entry.model, entry.data) == (model, data)]
    units = {"accuracy": "{:.1f} %", "gflops": "{:.0f} GFLOPs"}
    if not found or quantity not in units:
        known = "; ".join(f"{entry.model}, {entry.data}" for entry in records.published)
        raise ValueError(f"no {quantity!r} of {model}, {data}; expected accuracy or gflops of: {known}.")
    value = float(getattr(found[0], quantity))
    return Number(value, units[quantity].format(value))


def _mlp_share(records: Records, width: str) -> Number:
    """The share of a transformer block's learned numbers that is in its MLP."""
    with torch.device("meta"):  # counting needs no weights, and no random numbers
        block = TransformerBlock(_whole(width), num_heads=1)
    inside, whole = (sum(weight.numel() for weight in part.parameters()) for part in (block.mlp, block))
    return Number(inside / whole, f"{inside / whole:.0%}")


def _whole(word: str) -> int:
    if not word.isdecimal():
        raise ValueError(f"{word!r} is no whole number; expected one such as 1024.")
    return int(word)


KINDS = {
    "accuracy": Kind(_accuracy, 3, "accuracy: cnn-small, vector bare, far relation"),
    "learned": Kind(_learned, 3, "learned: vit, prefix, where"),
    "changed": Kind(_changed, 4, "changed: cnn-large, prefix, steps x 3, far relation"),
    "guess": Kind(_guess, 1, "guess: far relation"),
    "luck": Kind(_luck, 1, "luck: far relation"),
    "blind": Kind(_blind, 2, "blind: picture, where"),
    "parameters": Kind(_parameters, 1, "parameters: vit"),
    "cliff": Kind(_cliff, 2, "cliff: cnn-3, 2"),
    "cliff worst": Kind(_cliff_worst, 2, "cliff worst: outside, cnn-3"),
    "cliff slowdown": Kind(_cliff_slowdown, 2, "cliff slowdown: cnn-6, 6"),
    "hunger": Kind(_hunger, 3, "hunger: vit, 1024, attribute"),
    "cost": Kind(_cost, 3, "cost: vit, 384, flops"),
    "growth": Kind(_growth, 4, "growth: resampler, 48, 384, flops"),
    "systems": Kind(_systems, 2, "systems: cnn-grid, prefix"),
    "published": Kind(_published, 3, "published: ViT-L/14, LAION-2B, accuracy"),
    "mlp share": Kind(_mlp_share, 1, "mlp share: 64"),
}
