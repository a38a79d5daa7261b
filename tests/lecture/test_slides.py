"""What the slides of every lesson say and show: only what the lesson says and measured, in minutes that add up."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import build_lessons
import pytest
from nbformat.v4 import new_code_cell, new_output

from lecture.deck import deck
from lecture.plan import DAY, LEFT_OUT, SLACK, UNIT, left_out, lesson_plan, minutes_of, plan_table, timetable
from lecture.polls import read_bank
from lecture.slides import CUTS, Shown, Slide, executed, printed, read_slides, sections_of
from vlmteach.course import LESSONS, Lesson

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e-\d+)?")
committed_slides = cache(read_slides)  # of the lessons as they are; a test that changes a source reads it itself
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def numbers(text: str) -> set[str]:
    return {found.replace(",", "").rstrip(".") for found in NUMBER.findall(text)}


def said_by(lesson: Lesson) -> str:
    """All that a student can read in a lesson: prose, code, what was printed, and what figures and pages say."""
    texts = [lesson.title]
    for cell in executed(lesson).cells:
        texts.append(cell.source)
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html", "")
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
            texts += re.findall(r'alt="([^"]*)"', page) + re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", page)
            texts.append(output.get("metadata", {}).get("image/png", {}).get("alt", ""))
    return "\n".join(texts)


@each_lesson
def test_every_lesson_is_marked(lesson: Lesson) -> None:
    assert len(committed_slides(lesson)) >= 8


@each_lesson
def test_a_number_on_a_slide_or_in_its_notes_is_one_of_the_lesson(lesson: Lesson) -> None:
    known = numbers(said_by(lesson)) | {f"{other.number:02d}" for other in LESSONS}
    polls = read_bank(lesson)
    for slide in committed_slides(lesson):
        assert numbers(f"{slide.title}\n{slide.text}\n{slide.notes}") <= known, slide.title
    for poll in polls.values():
        assert numbers(f"{poll.ask}\n{poll.right.say}\n{poll.right.why}") <= known, poll.id


def test_a_number_that_no_lesson_has_would_be_found() -> None:
    assert numbers("2,304 of 1e-5, 0.25 and 14 × 14; x86, layer3.") == {"2304", "1e-5", "0.25", "14"}
    assert not numbers("one of 4321") <= numbers(said_by(LESSONS[1]))


@each_lesson
def test_what_a_slide_shows_is_in_the_executed_notebook(lesson: Lesson) -> None:
    page = deck(lesson, committed_slides(lesson), read_bank(lesson))
    ran = {cell.id: cell for cell in executed(lesson).cells}
    shown = re.findall(r'data-cell="([^"]+)"', page)
    assert shown
    assert set(shown) <= ran.keys()


@each_lesson
@pytest.mark.parametrize("cut", CUTS)
def test_the_minutes_of_a_lecture_add_up_to_its_length(lesson: Lesson, cut: int) -> None:
    total = minutes_of(committed_slides(lesson), read_bank(lesson), cut).total
    assert cut - SLACK <= total <= cut


@each_lesson
def test_a_longer_lecture_has_all_of_the_shorter_one(lesson: Lesson) -> None:
    slides = committed_slides(lesson)
    held = [[slide for slide in slides if slide.cut <= cut] for cut in CUTS]
    assert len(held[0]) < len(held[1]) < len(held[2]) == len(slides)
    assert [slide for slide in held[1] if slide in held[0]] == held[0]


@each_lesson
def test_no_poll_is_asked_twice_and_every_exercise_is_worked_on_once(lesson: Lesson) -> None:
    slides = committed_slides(lesson)
    asked = [slide.poll for slide in slides if slide.poll]
    assert len(asked) == len(set(asked)) >= 3
    assert set(asked) <= read_bank(lesson).keys(), "the bank may hold more, for quizzes"
    tags = [tag for cell in executed(lesson).cells for tag in cell.metadata.get("tags", [])]
    exercises = sorted(tag.removeprefix("exercise-") for tag in tags if tag.startswith("exercise-"))
    assert sorted(slide.exercise for slide in slides if slide.exercise) == exercises


@each_lesson
def test_a_section_has_a_slide_or_the_plan_says_why_not(lesson: Lesson) -> None:
    with_slide = {slide.section for slide in committed_slides(lesson)}
    without = LEFT_OUT.get(lesson.number, {})
    assert without.keys() == set(sections_of(lesson)) - with_slide


def test_the_plan_lists_what_no_lecture_has() -> None:
    slides, polls = committed_slides(LESSONS[9]), read_bank(LESSONS[9])
    told = left_out(LESSONS[9], slides, polls).splitlines()
    asked = {slide.poll for slide in slides}
    assert "- *Glossary*: to look up." in told
    assert {line.removeprefix("- *Poll:* ") for line in told if "*Poll:*" in line} == {
        poll.ask for poll in polls.values() if poll.id not in asked
    }
    assert left_out(LESSONS[0], committed_slides(LESSONS[0]), read_bank(LESSONS[0])) == ""


@pytest.mark.parametrize("sittings", [DAY, UNIT])
def test_no_sitting_of_a_day_or_a_unit_is_longer_than_ninety_minutes(sittings) -> None:
    for when, parts in sittings:
        assert sum(cut for _, cut in parts) <= 90, when
        assert all(cut in CUTS for _, cut in parts)
    held = [number for _, parts in sittings for number, _ in parts]
    assert held == sorted(set(held)), "each lesson once, in order"
    assert sum(line.startswith("| ") for line in timetable(sittings).splitlines()) == len(sittings) + 1


def slide_of(**changes) -> Slide:
    plain = Slide("Title", "", "Say it.", 20, 3, (), None, "", "", "", "")
    return replace(plain, **changes)


def test_polls_and_exercises_count_in_a_plan() -> None:
    polls = read_bank(LESSONS[1])
    slides = [slide_of(poll="01-rows"), slide_of(cut=50, minutes=7, exercise="1.1"), slide_of(cut=90, minutes=5)]
    spent = [minutes_of(slides, polls, cut) for cut in CUTS]
    assert [(each.slides, each.talk, each.polls, each.exercises) for each in spent] == [
        (2, 3, 2, 0),
        (3, 3, 2, 7),
        (4, 8, 2, 7),
    ]
    rows = lesson_plan(slides, polls).splitlines()[2:]
    assert [row.split(" | ")[1:] for row in rows] == [
        ["2", "0", "0", "0 |"],
        ["3", "2", "2", "2 |"],
        ["7", "", "5", "5 |"],
        ["5", "", "", "12 |"],
    ]
    own = f"{LESSONS[1].minutes} + {LESSONS[1].exercises}"
    row = f"| 2: 3 + 2 + 0 = 5 | 3: 3 + 2 + 7 = 12 | 4: 8 + 2 + 7 = 17 | {own} |"
    assert row in plan_table({LESSONS[1]: slides}, polls)


CELL = new_code_cell("a = 1\nb = 2\nprint(a)\n" + "c" * 81, outputs=[new_output("stream", text="one\ntwo\n")])


def deck_of(*shown: Shown) -> str:
    return deck(LESSONS[1], [slide_of(show=shown, cell=CELL)], {})


def test_a_slide_shows_the_lines_it_asks_for() -> None:
    page = deck_of(Shown("code", 2, 3), Shown("output", 2, 2))
    assert '<span class="n">b</span>' in page
    assert '<span class="n">a</span> <span class="o">=</span>' not in page
    assert ">two</pre>" in page
    assert printed(CELL) == "one\ntwo\n"


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (Shown("code"), "a line of code has 81 characters"),
        (Shown("code", 3, 5), "lines 3-5 of 4"),
        (Shown("output", 2, 3), "lines 2-3 of 2"),
        (Shown("figure"), "shows no figure"),
    ],
)
def test_a_slide_cannot_show_what_its_cell_has_not(shown: Shown, says: str) -> None:
    with pytest.raises(ValueError, match=f"slide 'Title': .*{says}"):
        deck_of(shown)


MARK = ":::{slide} One thing\n:cut: 20\n:minutes: 3\n:show: output\n:::\n\n:::{notes}\nSay it.\n:::\n\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (":cut: 20", ":cut: 30", "its cut is 30; expected one of 20, 50, 90"),
        (":minutes: 3", ":minutes: 2.5", "its minutes is '2.5'"),
        (":minutes: 3\n", "", "its minutes is ''"),
        (":minutes: 3", ":time: 3", "there is no option 'time'"),
        ("output", "outputs", "it shows 'outputs'"),
        ("output", "figure 2", "it shows 'figure 2'"),
        ("Say it.\n", "", "its notes are empty"),
        (" One thing", "", "it has no title"),
        (":show: output", ":exercise: 1.1", "nobody solves one in so short a time"),
    ],
)
def test_a_mark_that_cannot_be_used_is_refused_with_its_place(monkeypatch, tmp_path, old, new, says) -> None:
    lesson = LESSONS[1]
    source = (build_lessons.SOURCES / f"{lesson.name}.md").read_text("utf-8")
    place = build_lessons.strip_marks(source).index("## 1.")
    bare = build_lessons.strip_marks(source)
    (tmp_path / f"{lesson.name}.md").write_text(bare[:place] + MARK.replace(old, new) + bare[place:], "utf-8")
    monkeypatch.setattr(build_lessons, "SOURCES", tmp_path)
    with pytest.raises(ValueError, match=re.escape(says)) as refused:
        read_slides(lesson)
    assert str(refused.value).startswith(f"{lesson.name}.md, line ")


def test_a_slide_of_a_cell_that_has_changed_since_it_was_executed_is_refused(monkeypatch, tmp_path) -> None:
    lesson = LESSONS[1]
    source = (build_lessons.SOURCES / f"{lesson.name}.md").read_text("utf-8")
    changed = source.replace("image = normalise(picture)[None]", "image = normalise(picture)[None] * 2")
    assert changed != source
    (tmp_path / f"{lesson.name}.md").write_text(changed, "utf-8")
    monkeypatch.setattr(build_lessons, "SOURCES", tmp_path)
    with pytest.raises(ValueError, match="not in the built notebook; run `make notebooks`"):
        deck(lesson, read_slides(lesson), read_bank(lesson))
