"""Numbers of a class's own: drawn from its secret, asked for in its notebook, and never the lesson's."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from support.answers import answer_cells, run_cell, variants_of

from lecture.asked import Asked, module_of, read_asked
from lecture.collect import asked_of
from lecture.fresh import INPUTS, NUMBERS_IN_ANOTHER_ORDER, VALUES, ask_afresh, read_secret, tried_afresh
from lecture.handin import handin
from vlmteach.course import LESSONS, get_lesson
from vlmteach.course.exercises import Exercise
from vlmteach.course.exercises.checks import NumberCheck

ASKED = {number: asked for lesson in LESSONS for number, asked in read_asked(lesson).items()}
VARIANTS = {number: variants for lesson in LESSONS for number, variants in variants_of(lesson).items()}
SECRETS = ("class of spring", "class of autumn", "class of winter")
WITHOUT = {"0.1", "4.1", "6.3", "7.3", "8.3", "9.1", "9.2", "9.3", "10.2", "10.3", "11.3"}


def test_every_exercise_either_has_numbers_of_a_classs_own_or_is_named_as_one_without() -> None:
    with_numbers = [*VALUES, *INPUTS, *NUMBERS_IN_ANOTHER_ORDER]
    assert len(set(with_numbers)) == len(with_numbers)
    assert set(with_numbers) | WITHOUT == ASKED.keys()
    assert not set(with_numbers) & WITHOUT


@pytest.mark.parametrize("number", VALUES)
def test_no_draw_is_the_lessons_own_and_no_mistake_gives_the_right_number(number: str) -> None:
    fresh, lesson = VALUES[number], ASKED[number].exercise.examine
    for drawn in itertools.product(*fresh.choices.values()):
        examine = fresh.make(**dict(zip(fresh.choices, drawn, strict=True))).examine
        assert isinstance(examine, NumberCheck)
        assert isinstance(lesson, NumberCheck)
        assert len(examine.mistakes) == len(lesson.mistakes), drawn
        values = [examine.right, lesson.right, *examine.mistakes]
        assert all(abs(one - other) > examine.close for one, other in itertools.combinations(values, 2)), drawn


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("number", VALUES)
def test_the_notebook_asks_for_them_its_check_knows_them_and_the_lessons_number_is_wrong(
    number: str, secret: str
) -> None:
    asked = ask_afresh(ASKED[number], secret)
    assert asked.words != ASKED[number].words
    right = run_cell(asked.exercise.answer)[asked.name]
    assert asked.exercise.check(right).outcome == "right"
    assert made_by(asked).check(right).outcome == "right"
    (lessons,) = (value for value in run_cell(ASKED[number].exercise.answer).values() if isinstance(value, int))
    assert asked.exercise.check(lessons).outcome == "wrong"
    assert f"{asked.maker}.check({asked.name})" in asked.check
    assert run_cell(asked.stub)[asked.name] is None


def made_by(asked: Asked) -> Exercise:
    """The exercise that the check cell of a student's copy makes."""
    lesson = get_lesson(int(asked.exercise.number.split(".")[0]))
    package, _, module = module_of(lesson).rpartition(".")
    return run_cell(f"from {package} import {module} as exercises\nmade = {asked.maker}")["made"]


def test_classes_differ_and_the_same_secret_gives_the_same_notebook() -> None:
    notebooks = [handin(LESSONS[1], secret) for secret in ("", *SECRETS, SECRETS[0])]
    assert len({str(notebook) for notebook in notebooks}) == 4
    assert notebooks[1] == notebooks[4]


@pytest.mark.parametrize("number", [*INPUTS, *sorted(NUMBERS_IN_ANOTHER_ORDER)])
def test_right_answers_stay_right_on_the_inputs_of_every_class(number: str) -> None:
    cell = answer_cells()[number]
    for secret in SECRETS:
        exercise = tried_afresh(ASKED[number].exercise, secret)
        for answer in (ASKED[number].exercise.answer, *VARIANTS[number].right):
            assert exercise.check(cell.handed_over(answer)).outcome == "right", (secret, answer)


@pytest.mark.parametrize("number", [*INPUTS, *sorted(NUMBERS_IN_ANOTHER_ORDER)])
def test_a_table_of_the_lessons_cases_is_right_there_and_wrong_here(number: str) -> None:
    exercise = ASKED[number].exercise
    looked_up = [exercise.examine.right(*case) for case in exercise.examine.cases]
    calls = itertools.count()

    def table(*case):
        return looked_up[next(calls) % len(looked_up)]

    assert exercise.check(table).outcome == "right"
    calls = itertools.count()
    assert tried_afresh(exercise, SECRETS[0]).check(table).outcome == "wrong"


def test_collect_asks_and_tries_afresh_and_without_a_secret_as_in_the_lesson() -> None:
    assert asked_of(LESSONS[1]) == read_asked(LESSONS[1])
    fresh = asked_of(LESSONS[1], SECRETS[0])
    assert fresh["1.2"].exercise.examine.right != ASKED["1.2"].exercise.examine.right
    assert len(fresh["1.1"].exercise.examine.cases) == 2 * len(ASKED["1.1"].exercise.examine.cases)


def test_a_phrase_that_the_lesson_no_longer_says_is_told() -> None:
    with pytest.raises(ValueError, match="does not say '384 columns' any more"):
        ASKED["1.2"].with_numbers(ASKED["1.2"].exercise, "exercises.token_count", {"384 columns": "1 column"})


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" short \n", "utf-8")
    with pytest.raises(ValueError, match="holds 5 letters; expected a secret of 8 or more"):
        read_secret(tmp_path / "secret")
    assert read_secret(None) == ""
