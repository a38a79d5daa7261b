"""Every lesson, run once from an installed wheel in an empty folder: it shows what is stored, its exercises tell right
from wrong, every position of every control draws, and in the quickest lesson every cell runs again after all others.
"""

from __future__ import annotations

from pathlib import Path

import build_lessons
import pytest
from support.answers import exercises_of, solved_cells, variants_of
from support.lesson_run import tagged
from support.stored_lesson import StoredLesson, stored_lesson

from vlmteach.course import LESSONS, Lesson

QUICK_SECONDS = 20
SWEEP = """
import gc
from vlmteach.views import Explorer, alt_text, figure_html
positions = 0
for explorer in [thing for thing in gc.get_objects() if type(thing) is Explorer]:
    for position in explorer.positions():
        alt_text(explorer.draw(**position))
        positions += 1
    figure_html(explorer.draw(**position))
print(positions)
"""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_from_the_wheel_shows_what_is_stored_and_its_checks_tell_right_from_wrong(
    lesson: Lesson, wheel_folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    variants, notebook = variants_of(lesson), build_lessons.read_source(lesson)
    answers, checks = tagged(notebook, "exercise-"), tagged(notebook, "check-")
    assert set(answers) == set(checks) == set(exercises_of(lesson)) == set(variants)
    cells = solved_cells(lesson)
    with stored_lesson(lesson, tmp_path, wheel_folder, request.session) as run:
        differences = run.differences()
        assert not differences, "\n\n".join(differences)
        assert str(wheel_folder) in run.run("import vlmteach; print(vlmteach.__file__)")
        for index, source in cells.items():  # from the first exercise on, as a student who has solved them all
            if index >= min(answers.values()):
                shown = run.run(source)
                if index in checks.values():
                    assert shown.strip().splitlines()[-1].startswith(("Right.", "Noted.")), shown
        for number, variant in variants.items():
            check = notebook.cells[checks[number]].source
            phrase, mistake = variant.mistakes()[0]  # tests/course/test_exercise_answers.py tries them all
            assert_verdict(run, notebook.cells[answers[number]].source, check, "Not attempted.")
            assert_verdict(run, variant.right[0], check, ("Right.", "Noted."))
            assert phrase in assert_verdict(run, mistake, check, ("Wrong.", "Raised."))
        positions = int(run.run(SWEEP))
        assert positions > 0 or "explore(" not in "".join(cells.values())
        if lesson.seconds <= QUICK_SECONDS:  # test_going_on.py reads all; `make test-faults` runs all
            for source in reversed(cells.values()):
                run.run(source)


def assert_verdict(run: StoredLesson, answer: str, check: str, expected: str | tuple[str, ...]) -> str:
    run.run(answer)
    verdict = run.run(check).strip().splitlines()[-1]
    assert verdict.startswith(expected), f"expected {expected}, got: {verdict}\nfor the answer:\n{answer}"
    return verdict
