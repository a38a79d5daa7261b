"""A lesson takes names from the faces of packages: where in a package a name is defined is not a student's concern."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from support.answers import exercises_of
from support.cells import code_cells

import vlmteach.backbones
import vlmteach.course
import vlmteach.experiments
import vlmteach.experiments.cliff
import vlmteach.experiments.cost
import vlmteach.experiments.hunger
import vlmteach.experiments.matrix
import vlmteach.nn
import vlmteach.pictures
import vlmteach.probes
import vlmteach.training
import vlmteach.views
from vlmteach.course import LESSONS

EACH_EXPERIMENTS_OWN = {"LIVE_RECIPE", "load_results"}  # of one meaning: how it runs in a lesson, and what it recorded
FACES = (
    vlmteach.backbones,
    vlmteach.course,
    vlmteach.experiments,
    vlmteach.experiments.cliff,
    vlmteach.experiments.cost,
    vlmteach.experiments.hunger,
    vlmteach.experiments.matrix,
    vlmteach.nn,
    vlmteach.pictures,
    vlmteach.probes,
    vlmteach.training,
    vlmteach.views,
)


def past_the_face(source: str) -> set[str]:
    """What some code imports from, or as, a module of ours that is no package; exercises come as whole modules."""
    return {name for name in _imported(source) if name.startswith("vlmteach") and not _is_package(name)}


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _is_package(name: str) -> bool:
    found = find_spec(name)
    return found is not None and found.submodule_search_locations is not None


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_and_the_answers_to_its_exercises_import_from_faces_only(lesson) -> None:
    _, *cells = code_cells(lesson)  # the first installs the package
    answers = [exercise.answer for exercise in exercises_of(lesson).values() if exercise.answer]
    assert {name for source in [*cells, *answers] for name in past_the_face(source)} == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from vlmteach.views import draw_mask", set()),
        ("from vlmteach.experiments import cliff", set()),
        ("from vlmteach.views.connectors import draw_mask", {"vlmteach.views.connectors"}),
        ("def f():\n    import vlmteach.nn.tokens as t, torch.nn", {"vlmteach.nn.tokens"}),
        ("from vlmteach.nowhere import x", {"vlmteach.nowhere"}),
    ],
)
def test_what_goes_past_a_face_by_hand(source, expected) -> None:
    assert past_the_face(source) == expected


def test_a_name_of_one_face_means_the_same_in_every_other() -> None:
    """Two faces may pass on one thing; two things of one name would make a lesson's import decide what it means."""
    meanings = defaultdict(list)
    for face in FACES:
        for name in face.__all__:
            meanings[name].append(getattr(face, name))
    several = {name for name, things in meanings.items() if any(thing is not things[0] for thing in things)}
    assert several == EACH_EXPERIMENTS_OWN
