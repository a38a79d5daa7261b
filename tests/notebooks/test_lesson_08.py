"""What lesson 08 says of the models that it trains holds for what they did when it was built."""

from __future__ import annotations

import re
from functools import cache

import build_lessons
import nbformat
import pytest

from vlmteach.course import get_lesson

SHARE = r"(\d\.\d\d)"


@cache
def printed() -> str:
    """All that the built lesson printed."""
    notebook = nbformat.read(build_lessons.NOTEBOOKS / f"{get_lesson(8).name}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text", "") for output in outputs)


def shares(line: str) -> list[float]:
    """The shares that were printed in a line, and with it; the line is a pattern in which SHARE stands for each."""
    found = re.findall(line, printed())
    assert len(found) == 1, f"{len(found)} lines {line!r}; build the lesson: `make notebooks`"
    return [float(share) for share in (found[0] if isinstance(found[0], tuple) else found)]


@pytest.mark.parametrize("family", ["attribute", "count", "where", "near relation", "far relation", "same far"])
def test_every_family_is_learned_and_exchanging_the_connector_leaves_no_more_than_a_guess(family: str) -> None:
    guess, yours, exchanged, _ = shares(rf"(?m)^{family} +{SHARE} +{SHARE} +{SHARE} +{SHARE}$")
    assert yours - guess > (1 - guess) / 2  # more than half of what a guess leaves, on processors of every kind
    assert yours > guess + 0.2
    assert exchanged < guess + 0.05


def test_as_a_prefix_attributes_come_first() -> None:
    learned = {
        family: shares(rf"(?m)^{family} +{SHARE} +{SHARE} +{SHARE} +{SHARE}$")
        for family in ["attribute", "near relation", "far relation"]
    }
    gained = {family: late - guess for family, (guess, _, _, late) in learned.items()}
    assert gained["attribute"] > 0.3
    assert max(gained["near relation"], gained["far relation"]) < 0.1


def test_a_cell_matters_where_a_word_names_a_thing_and_elsewhere_hardly_more_than_a_random_one() -> None:
    def matters(kind: str, what: str) -> float:
        return shares(rf"words that name {kind}: hiding {what} matters in {SHARE}")[0]

    assert matters("a thing", "its brightest cell") > matters("a thing", "a random cell") + 0.4
    assert matters("nothing", "its brightest cell") < matters("nothing", "a random cell") + 0.1


def test_tokens_are_not_words_and_lean_towards_their_own_where_training_was_longest() -> None:
    rows = {
        name: shares(rf"{name} +one of its own in {SHARE} \([^)]*\), another thing's {SHARE}")
        for name in ["cross-attention", "prefix", "trained for longer"]
    }
    assert max(own for own, _ in rows.values()) < 0.5
    own, another = rows["trained for longer"]
    assert own > another


def test_what_it_never_saw_it_gets_mostly_wrong_and_is_sure() -> None:
    (never,) = shares(rf"of pairs it never saw: {SHARE}")
    (sure,) = shares(rf"where it is wrong about them: {SHARE}")
    assert never < 0.5 < sure


def test_it_stops_inventing_for_the_colours_it_practised_and_not_for_the_other() -> None:
    def invents(group: str, when: str) -> float:
        return shares(rf"a missing {group}, {when}: invents an answer in {SHARE}")[0]

    assert invents("colour of the five", "before") == invents("magenta", "before") == 1
    assert invents("colour of the five", "after") < 0.05
    assert invents("magenta", "after") > 0.8
    assert shares(rf"what is there, after: answers none in {SHARE}")[0] < 0.05
    assert shares(rf"of the invented answers it would let pass {SHARE}")[0] > 0.5
