"""Every answer of the variants table, and what its check says."""

import importlib

import pytest
from support.answers import answer_cells
from support.variants import Variants

from vlmteach.course import LESSONS
from vlmteach.course.claims import Claim, load_ledger

CELLS = answer_cells()
LEDGER = load_ledger()
TABLE: dict[str, Variants] = {
    number: variants
    for lesson in LESSONS
    for number, variants in importlib.import_module(f"support.variants.lesson_{lesson.number:02d}").VARIANTS.items()
}

RIGHT = [(number, answer) for number, table in TABLE.items() for answer in table.right]
WRONG = [(number, *mistake) for number, table in TABLE.items() for mistake in table.mistakes()]


def test_the_table_has_all_exercises() -> None:
    assert TABLE.keys() == CELLS.keys()
    assert min(len(table.right) for table in TABLE.values()) >= 1
    assert min(len(table.wrong) for table in TABLE.values()) >= 4


@pytest.mark.parametrize("number", CELLS)
def test_a_stub_is_not_attempted_and_the_solution_is_right(number) -> None:
    cell = CELLS[number]
    assert cell.check(cell.stub).outcome == "not attempted"
    if cell.exercise.answer:
        assert cell.check(cell.exercise.answer).outcome == "right"


@pytest.mark.parametrize(("number", "answer"), RIGHT, ids=[f"{number}" for number, _ in RIGHT])
def test_a_right_answer_is_accepted(number, answer) -> None:
    verdict = CELLS[number].check(answer)
    assert verdict.outcome == ("right" if CELLS[number].exercise.answer else "noted"), verdict


@pytest.mark.parametrize(("number", "phrase", "answer"), WRONG, ids=[f"{n}: {phrase}" for n, phrase, _ in WRONG])
def test_a_wrong_answer_has_its_mistake_named(number, phrase, answer) -> None:
    verdict = CELLS[number].check(answer)
    assert verdict.outcome in ("wrong", "raised")
    assert phrase in repr(verdict)


@pytest.mark.parametrize("number", CELLS)
def test_hints_do_not_give_the_answer_away(number) -> None:
    exercise = CELLS[number].exercise
    assert [hint for hint in exercise.hints if hint in exercise.answer] == []


@pytest.mark.parametrize("claim", LEDGER.claims, ids=lambda claim: claim.key)
def test_the_courses_own_verdicts_have_the_form_of_an_argument(claim: Claim) -> None:
    def sentence(r):
        last = claim.measure(r).facts[-1]
        return f"It is {last.value:.4f}, and in where a guess is {r.matrix.guess('where'):.4f}."

    argument = {
        "claim": claim.key,
        "sentence": sentence,
        "cites": claim.cited[0].source,
        "verdict": f"{claim.verdict}: {claim.because}",
        "change": lambda r: not all(fact.holds for fact in claim.measure(r).facts),
    }
    assert CELLS["9.3"].exercise.check(argument).outcome == "right"
